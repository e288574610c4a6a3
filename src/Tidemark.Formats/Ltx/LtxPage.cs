namespace Tidemark.Formats.Ltx;

/// <summary>One expanded page of a file.</summary>
/// <param name="PageNumber">The page.</param>
/// <param name="Bytes">Its bytes. They are overwritten by the next page of the same enumeration.</param>
public readonly record struct LtxPage(uint PageNumber, ReadOnlyMemory<byte> Bytes);
