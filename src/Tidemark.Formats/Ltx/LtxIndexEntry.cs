namespace Tidemark.Formats.Ltx;

/// <summary>Where one page lies in an LTX file: three numbers of the page index.</summary>
/// <param name="PageNumber">The page.</param>
/// <param name="Offset">Offset of its frame header in the file, in bytes.</param>
/// <param name="Length">Bytes of its frame, header included.</param>
internal readonly record struct LtxIndexEntry(uint PageNumber, long Offset, int Length)
{
    /// <summary>The longest form, in bytes.</summary>
    public const int SizeMax = 3 * LtxVarint.SizeMax;

    /// <summary>Writes the entry and returns its length in bytes.</summary>
    public int Write(Span<byte> destination)
    {
        var length = LtxVarint.Write(destination, PageNumber);
        length += LtxVarint.Write(destination[length..], (ulong)Offset);
        return length + LtxVarint.Write(destination[length..], (ulong)Length);
    }
}
