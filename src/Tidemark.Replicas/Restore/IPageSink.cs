using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>Takes the pages of a database that is put together from files: each page once, with its newest content.</summary>
/// <remarks>Several threads hand over pages at once, each of them different ones.</remarks>
internal interface IPageSink
{
    /// <summary>Whether the checksums of pages are wanted also where nothing can be proven by them.</summary>
    bool NeedsChecksums { get; }

    /// <summary>Prepares for a database of this size. Called once, before any page.</summary>
    void Begin(PageSize pageSize, uint pages);

    /// <summary>Takes consecutive pages.</summary>
    /// <param name="firstPage">Number of the first page.</param>
    /// <param name="content">Their bytes.</param>
    /// <param name="checksums">Their checksums (<see cref="Formats.Database.DatabaseChecksum.OfPage"/>), or empty where they were not
    /// computed.</param>
    void Write(uint firstPage, ReadOnlySpan<byte> content, ReadOnlySpan<ulong> checksums);
}
