namespace Tidemark.Formats.Ltx;

/// <summary>What a whole file says, after everything in it was checked.</summary>
/// <param name="Header">The header.</param>
/// <param name="Trailer">The trailer.</param>
/// <param name="PageCount">How many pages the file holds.</param>
/// <param name="Length">Length of the file, in bytes.</param>
public readonly record struct LtxSummary(LtxHeader Header, LtxTrailer Trailer, long PageCount, long Length);
