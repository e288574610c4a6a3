using Tidemark.Formats;
using Tidemark.Formats.Database;

namespace Tidemark.Replicas.Follow;

/// <summary>Which state of the replica the database is, and what can be proven of it.</summary>
/// <remarks>
/// The first page differs from the source's in a few bytes (<see cref="FirstPage"/>). So the checksum of the source's state is kept in two
/// parts: that of all other pages, and that of the source's first page.
/// </remarks>
/// <param name="Txid">The state.</param>
/// <param name="Lineage">Who wrote the last file of it; none where it is not known.</param>
/// <param name="Content">What the file holds.</param>
/// <param name="SourceFirstPage">Checksum of the source's first page; null where it is not known, which is to say that the state is only
/// claimed.</param>
internal sealed record OutputState(Txid Txid, Lineage Lineage, OutputContent Content, ulong? SourceFirstPage)
{
    /// <summary>Checksum of the source in this state, where it is known.</summary>
    public DatabaseChecksum? SourceChecksum => SourceFirstPage is { } first ? Content.Rest.Toggle(first)
        : Content.Pages == 0 ? DatabaseChecksum.Empty
        : null;
}
