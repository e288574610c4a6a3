namespace Tidemark.Formats.Ltx;

/// <summary>Reads the end of the pages and the page index, piece by piece, and checks every entry against the file: order of pages, frames
/// without gaps, possible lengths.</summary>
/// <remarks>So a damaged index is found at its first wrong entry, and memory grows only with entries that the file has room for.</remarks>
internal sealed class LtxPageIndexParser(string file, LtxHeader header, long framesEnd)
{
    // A frame of one byte of compressed data, as a block; LZ4 frames are longer.
    private const int FrameLengthMin = LtxFrameHeader.BlockSize + 1;

    private readonly LtxPageIndex _index = new();
    private readonly int _frameLengthMax = LtxFrame.LengthMax(header.PageSize);
    private LtxPageSequence _pages = new(header.PageSize, header.Commit, header.IsSnapshot);
    private long _passed;
    private bool _isEnded;

    /// <summary>Reads whole entries from the beginning of <paramref name="bytes"/> and returns how many bytes they took, at least
    /// one.</summary>
    /// <exception cref="LtxFormatException">An entry is wrong or not whole, or something follows the end of the entries.</exception>
    public int Read(ReadOnlySpan<byte> bytes)
    {
        var at = _passed == 0 ? ReadEndOfPages(bytes) : 0;
        while (at < bytes.Length && ReadEntry(bytes[at..]) is > 0 and var length)
        {
            at += length;
            _passed += length;
        }

        return at > 0 ? at : throw Mismatch();
    }

    /// <summary>The whole index, after all its bytes were read.</summary>
    /// <exception cref="LtxFormatException">The index does not end where it should, or lacks pages.</exception>
    public LtxPageIndex Complete()
    {
        if (!_isEnded || _index.End != framesEnd || _pages.End(header.Commit) != LtxFault.None)
        {
            throw Mismatch();
        }

        return _index;
    }

    // Read again here, although a reader of single pages has no use for it: it shows that the index begins where the pages end.
    private int ReadEndOfPages(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < LtxFrameHeader.Size || bytes[..LtxFrameHeader.Size].ContainsAnyExcept((byte)0))
        {
            throw new LtxFormatException(LtxFault.IndexSizeMismatch, file, framesEnd);
        }

        _passed = LtxFrameHeader.Size;
        return LtxFrameHeader.Size;
    }

    // The length of the entry, or 0 when the bytes end within it.
    private int ReadEntry(ReadOnlySpan<byte> bytes)
    {
        if (_isEnded)
        {
            throw Mismatch();
        }

        var numberLength = LtxVarint.TryRead(bytes, out var pageNumber);
        if (numberLength > 0 && pageNumber == 0)
        {
            _isEnded = true;
            return numberLength;
        }

        var rest = bytes[Math.Max(0, numberLength)..];
        var offsetLength = LtxVarint.TryRead(rest, out var offset);
        rest = rest[Math.Max(0, offsetLength)..];
        var lengthLength = LtxVarint.TryRead(rest, out var length);
        if (numberLength < 0 || offsetLength < 0 || lengthLength < 0)
        {
            throw Mismatch();
        }

        if (numberLength == 0 || offsetLength == 0 || lengthLength == 0)
        {
            return 0;
        }

        var isPossible = pageNumber <= uint.MaxValue
            && _pages.Accept((uint)pageNumber) == LtxFault.None
            && offset == (ulong)_index.End
            && length >= FrameLengthMin
            && length <= (ulong)Math.Min(_frameLengthMax, framesEnd - _index.End);
        if (!isPossible)
        {
            throw Mismatch();
        }

        _index.Add((uint)pageNumber, (int)length);
        return numberLength + offsetLength + lengthLength;
    }

    private LtxFormatException Mismatch() => new(LtxFault.IndexMismatch, file, framesEnd + _passed);
}
