namespace Tidemark.Replicas.Restore;

/// <summary>Takes consecutive pages and their checksums (<see cref="Formats.Database.DatabaseChecksum.OfPage"/>). Called by several threads at
/// once, each time for other pages, in no order.</summary>
/// <param name="firstPage">Number of the first page, from 1.</param>
/// <param name="pages">The pages. Valid during the call.</param>
/// <param name="checksums">One value a page. Valid during the call.</param>
public delegate void TakePageChecksums(uint firstPage, ReadOnlySpan<byte> pages, ReadOnlySpan<ulong> checksums);
