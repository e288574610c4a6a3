using System.Buffers.Binary;
using K4os.Compression.LZ4;
using Tidemark.Formats.Compression;

namespace Tidemark.Formats.Ltx;

/// <summary>One whole page frame in memory: header, size field where there is one, and compressed page.</summary>
internal static class LtxFrame
{
    // Apart from its content, an LZ4 frame of one page has a header, an end mark and checksums; a few blocks more do no harm.
    private const int Lz4FrameOverheadMax = 256;

    /// <summary>The longest that a frame can be, in bytes.</summary>
    public static int LengthMax(PageSize pageSize) => LtxFrameHeader.BlockSize + LtxFrameHeader.PayloadMax(pageSize) + Lz4FrameOverheadMax;

    /// <summary>Finds out how long the frame is at whose beginning <paramref name="source"/> stands.</summary>
    /// <param name="source">The bytes that are known so far: at least the header without the size field.</param>
    /// <param name="header">The frame's header.</param>
    /// <param name="pageSize">Size of the pages.</param>
    /// <param name="length">
    /// The frame's length when it is wholly in <paramref name="source"/>; otherwise how many bytes are needed to find out more, which is
    /// more than there are.
    /// </param>
    /// <returns><see cref="LtxFault.None"/>, or what is wrong.</returns>
    public static LtxFault TryMeasure(ReadOnlySpan<byte> source, in LtxFrameHeader header, PageSize pageSize, out int length)
    {
        var payloadMax = LtxFrameHeader.PayloadMax(pageSize);
        if (!header.IsBlock)
        {
            var isFrame = Lz4Frame.TryMeasure(source[LtxFrameHeader.Size..], payloadMax + Lz4FrameOverheadMax, out var lz4Length);
            length = LtxFrameHeader.Size + lz4Length;
            return isFrame ? LtxFault.None : LtxFault.InvalidCompression;
        }

        length = LtxFrameHeader.BlockSize;
        if (source.Length < length)
        {
            return LtxFault.None;
        }

        var payloadLength = BinaryPrimitives.ReadUInt32BigEndian(source[LtxFrameHeader.Size..]);
        if (payloadLength == 0 || payloadLength > payloadMax)
        {
            return LtxFault.InvalidFrameSize;
        }

        length += (int)payloadLength;
        return LtxFault.None;
    }

    /// <summary>Expands the page of a frame that was measured.</summary>
    /// <param name="frame">The whole frame.</param>
    /// <param name="page">Room for one page.</param>
    /// <param name="file">How errors call the file.</param>
    /// <param name="offset">Where the frame begins in the file.</param>
    /// <param name="pageNumber">The page of the frame.</param>
    /// <returns>Bytes of the header with the size field where there is one, which are what the file checksum covers beside the
    /// page.</returns>
    /// <exception cref="LtxFormatException">The compressed bytes are damaged or do not expand to exactly one page.</exception>
    public static int Expand(ReadOnlySpan<byte> frame, Span<byte> page, string file, long offset, uint pageNumber)
    {
        var isBlock = LtxFrameHeader.TryRead(frame, out var header) == LtxFault.None && header.IsBlock;
        var headerSize = isBlock ? LtxFrameHeader.BlockSize : LtxFrameHeader.Size;
        var expanded = isBlock ? LZ4Codec.Decode(frame[headerSize..], page) : Lz4Frame.Decode(frame[headerSize..], page);
        return expanded == page.Length ? headerSize : throw CannotExpand(file, offset, pageNumber, expanded, page.Length);
    }

    private static LtxFormatException CannotExpand(string file, long offset, uint pageNumber, int expanded, int pageSize)
        => expanded < 0
            ? new(LtxFault.InvalidCompression, file, offset, $"page {pageNumber} cannot be expanded")
            : new(LtxFault.WrongExpandedSize, file, offset, $"page {pageNumber} expands to {expanded} bytes instead of {pageSize}");
}
