using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>Gathers the page checksums of a snapshot that tracks checksums, from parts that are decoded in any order and on any
/// core.</summary>
internal sealed class LtxRollingCheck
{
    private readonly Lock _gate = new();
    private DatabaseChecksum _checksum = DatabaseChecksum.Empty;
    private long _pageCount;

    /// <summary>Adds the pages of one part.</summary>
    /// <param name="pageChecksums">The exclusive-or of their checksums.</param>
    /// <param name="pageCount">How many they are.</param>
    public void Add(ulong pageChecksums, int pageCount)
    {
        lock (_gate)
        {
            _checksum = _checksum.Toggle(pageChecksums);
            _pageCount += pageCount;
        }
    }

    /// <summary>The checksum of all pages, which must be <paramref name="pageCount"/>.</summary>
    public DatabaseChecksum Total(long pageCount)
    {
        lock (_gate)
        {
            Invariant.Holds(_pageCount == pageCount, $"{_pageCount} of {pageCount} pages were decoded.");
            return _checksum;
        }
    }
}
