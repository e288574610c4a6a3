using System.Buffers;
using K4os.Compression.LZ4;

namespace Tidemark.Formats.Ltx;

/// <summary>The frames of a few neighbouring pages, compressed by one core. Reusable.</summary>
internal sealed class LtxFrameGroup : IDisposable
{
    /// <summary>The most that a group takes, in bytes of expanded pages; at least one page.</summary>
    public const int PagesLengthMax = 256 * 1024;

    private byte[] _frames = [];
    private int[] _lengths = [];
    private int _length;
    private int _count;

    /// <summary>The frames, one after the other.</summary>
    public ReadOnlySpan<byte> Frames => _frames.AsSpan(0, _length);

    /// <summary>Length of each frame in bytes.</summary>
    public ReadOnlySpan<int> FrameLengths => _lengths.AsSpan(0, _count);

    /// <summary>CRC-64 of the group's logical stream: frame headers, size fields and expanded pages.</summary>
    public ulong Crc { get; private set; }

    /// <summary>Length of the logical stream in bytes.</summary>
    public long LogicalLength { get; private set; }

    /// <summary>Replaces the content by the frames of these pages.</summary>
    public void Compress(PageSize pageSize, ReadOnlySpan<uint> pageNumbers, ReadOnlySpan<byte> pages)
    {
        var payloadMax = LtxFrameHeader.PayloadMax(pageSize);
        Reserve(ref _frames, pageNumbers.Length * (LtxFrameHeader.BlockSize + payloadMax));
        Reserve(ref _lengths, pageNumbers.Length);
        (_length, _count, Crc, LogicalLength) = (0, 0, 0, 0);
        foreach (var pageNumber in pageNumbers)
        {
            var page = pages.Slice(_count * pageSize.Bytes, pageSize.Bytes);
            var frame = _frames.AsSpan(_length, LtxFrameHeader.BlockSize + payloadMax);
            var payloadLength = LZ4Codec.Encode(page, frame[LtxFrameHeader.BlockSize..]);
            Invariant.Holds(payloadLength > 0, $"Page {pageNumber} did not fit into LZ4's worst case of {payloadMax} bytes.");
            LtxFrameHeader.WriteBlock(frame, pageNumber, payloadLength);
            Crc = Crc64Iso.Append(Crc64Iso.Append(Crc, frame[..LtxFrameHeader.BlockSize]), page);
            LogicalLength += LtxFrameHeader.BlockSize + pageSize.Bytes;
            _lengths[_count++] = LtxFrameHeader.BlockSize + payloadLength;
            _length += LtxFrameHeader.BlockSize + payloadLength;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _frames, []));
        ArrayPool<int>.Shared.Return(Interlocked.Exchange(ref _lengths, []));
        (_length, _count) = (0, 0);
    }

    private static void Reserve<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            // Rented before the old one is returned: were there no memory, the old one would be returned twice.
            var grown = ArrayPool<T>.Shared.Rent(length);
            ArrayPool<T>.Shared.Return(array);
            array = grown;
        }
    }
}
