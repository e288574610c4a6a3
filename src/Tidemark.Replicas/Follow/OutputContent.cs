using Tidemark.Formats;
using Tidemark.Formats.Database;

namespace Tidemark.Replicas.Follow;

/// <summary>What a database file holds, in few bytes.</summary>
/// <param name="PageSize">Size of its pages; the default value where there are none.</param>
/// <param name="Pages">How many pages.</param>
/// <param name="Rest">Checksum of all pages but the first, which are those of the source.</param>
/// <param name="FirstPage">Checksum of the first page, in which a few bytes are the follower's own; 0 where there is none.</param>
internal readonly record struct OutputContent(PageSize PageSize, uint Pages, DatabaseChecksum Rest, ulong FirstPage)
{
    /// <summary>No pages.</summary>
    public static OutputContent Empty => new(default, 0, DatabaseChecksum.Empty, 0);

    /// <summary>Size of the file.</summary>
    public long SizeBytes => (long)Pages * PageSize.Bytes;
}
