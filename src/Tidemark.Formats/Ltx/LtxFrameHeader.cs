using System.Buffers.Binary;

namespace Tidemark.Formats.Ltx;

/// <summary>The 6 bytes before every compressed page of an LTX file. Both fields are big-endian.</summary>
/// <remarks>
/// <code>
///   0             4       6          10
///   +-------------+-------+----------+---------------+
///   | page number | flags | size     | LZ4 block     |   flags = 1
///   +-------------+-------+----------+---------------+
///   | page number | flags | LZ4 frame                |   flags = 0, as older programs wrote it: no size
///   +-------------+-------+--------------------------+
/// </code>
/// Six zero bytes end the pages.
/// </remarks>
/// <param name="PageNumber">The page that follows; 0 at the end of the pages.</param>
/// <param name="IsBlock">True when a size and an LZ4 block follow, false for an LZ4 frame.</param>
internal readonly record struct LtxFrameHeader(uint PageNumber, bool IsBlock)
{
    /// <summary>Bytes of the header without the size field.</summary>
    public const int Size = 6;

    /// <summary>Bytes of the size field.</summary>
    public const int LengthSize = 4;

    /// <summary>Bytes of the header with the size field.</summary>
    public const int BlockSize = Size + LengthSize;

    private const ushort BlockFlag = 0x0001;

    /// <summary>True for the end of the pages.</summary>
    public bool IsEnd => PageNumber == 0;

    /// <summary>Bytes that the file checksum covers for the frame: the header, the size field where there is one, and the expanded
    /// page.</summary>
    public long LogicalLength(PageSize pageSize) => (IsBlock ? BlockSize : Size) + pageSize.Bytes;

    /// <summary>The longest that a compressed page can be: LZ4's worst case.</summary>
    public static int PayloadMax(PageSize pageSize) => pageSize.Bytes + (pageSize.Bytes / 255) + 16;

    /// <summary>Reads and checks a header without its size field. <paramref name="source"/> holds at least <see cref="Size"/>
    /// bytes.</summary>
    public static LtxFault TryRead(ReadOnlySpan<byte> source, out LtxFrameHeader header)
    {
        header = default;
        var pageNumber = BinaryPrimitives.ReadUInt32BigEndian(source);
        var flags = BinaryPrimitives.ReadUInt16BigEndian(source[4..]);
        if ((flags & ~BlockFlag) != 0)
        {
            return LtxFault.UnknownPageFlags;
        }

        if (pageNumber == 0 && flags != 0)
        {
            return LtxFault.InvalidPageNumber;
        }

        header = new LtxFrameHeader(pageNumber, flags == BlockFlag);
        return LtxFault.None;
    }

    /// <summary>Writes the header of a block and its size field.</summary>
    public static void WriteBlock(Span<byte> destination, uint pageNumber, int payloadLength)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, pageNumber);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], BlockFlag);
        BinaryPrimitives.WriteUInt32BigEndian(destination[Size..], (uint)payloadLength);
    }
}
