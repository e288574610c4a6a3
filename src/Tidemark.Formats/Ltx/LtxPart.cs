namespace Tidemark.Formats.Ltx;

/// <summary>A bounded run of whole page frames, as they stand in the file: compressed, and decoded independently of all other parts.</summary>
/// <remarks>Filled by <see cref="LtxReader.ReadPartAsync"/> and reusable. Decoding is a pure function of the part, so parts can be decoded on several cores.</remarks>
public sealed class LtxPart
{
    /// <summary>How many frames the part holds.</summary>
    public int Count => throw new NotImplementedException();

    /// <summary>The page numbers of the frames, ascending.</summary>
    public ReadOnlySpan<uint> PageNumbers => throw new NotImplementedException();

    /// <summary>Length of the logical stream of this part that the file checksum covers: frame headers, size fields and expanded pages.</summary>
    public long LogicalLength => throw new NotImplementedException();

    /// <summary>Expands all pages and computes the checksum of the part's logical stream.</summary>
    /// <param name="pages">Room for <see cref="Count"/> pages, which are written one after the other.</param>
    /// <returns>The CRC-64 of the part, to be handed to <see cref="LtxReader.AddPartChecksum"/> in the order of the parts.</returns>
    /// <exception cref="LtxFormatException">A page does not expand to exactly one page.</exception>
    public ulong Decode(Span<byte> pages) => throw new NotImplementedException();
}
