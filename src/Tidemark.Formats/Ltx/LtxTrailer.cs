namespace Tidemark.Formats.Ltx;

/// <summary>The last 16 bytes of an LTX file.</summary>
/// <param name="PostApplyChecksum">The standard checksum-after field; 0 when absent.</param>
/// <param name="FileChecksum">Checksum of the file, with bit 63 set.</param>
public readonly record struct LtxTrailer(ulong PostApplyChecksum, ulong FileChecksum)
{
    /// <summary>Bytes of the trailer.</summary>
    public const int Size = 16;
}
