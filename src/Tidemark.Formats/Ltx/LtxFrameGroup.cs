using System.Buffers;
using K4os.Compression.LZ4;

namespace Tidemark.Formats.Ltx;

/// <summary>The frames of a few neighbouring pages, compressed by one core: by the caller's, or by another while the caller goes on.
/// Reusable.</summary>
internal sealed class LtxFrameGroup : IDisposable
{
    /// <summary>The most that a group takes, in bytes of expanded pages; at least one page.</summary>
    public const int PagesLengthMax = 256 * 1024;

    private uint[] _pageNumbers = [];
    private byte[] _pages = [];
    private byte[] _frames = [];
    private int[] _lengths = [];
    private Task _work = Task.CompletedTask;
    private int _length;
    private int _count;

    /// <summary>The frames, one after the other.</summary>
    public ReadOnlySpan<byte> Frames => _frames.AsSpan(0, _length);

    /// <summary>The page of each frame.</summary>
    public ReadOnlySpan<uint> PageNumbers => _pageNumbers.AsSpan(0, _count);

    /// <summary>Length of each frame in bytes.</summary>
    public ReadOnlySpan<int> FrameLengths => _lengths.AsSpan(0, _count);

    /// <summary>CRC-64 of the group's logical stream: frame headers, size fields and expanded pages.</summary>
    public ulong Crc { get; private set; }

    /// <summary>Length of the logical stream in bytes.</summary>
    public long LogicalLength { get; private set; }

    /// <summary>Replaces the content by the frames of these pages.</summary>
    public void Compress(PageSize pageSize, ReadOnlySpan<uint> pageNumbers, ReadOnlySpan<byte> pages)
    {
        Reserve(ref _pageNumbers, pageNumbers.Length);
        pageNumbers.CopyTo(_pageNumbers);
        Compress(pageSize, pageNumbers.Length, pages);
    }

    /// <summary>Replaces the content by the frames of these pages, which are copied, on another core. Nothing else may be called until
    /// <see cref="Wait"/>.</summary>
    public void Start(PageSize pageSize, ReadOnlySpan<uint> pageNumbers, ReadOnlySpan<byte> pages)
    {
        Reserve(ref _pageNumbers, pageNumbers.Length);
        Reserve(ref _pages, pages.Length);
        pageNumbers.CopyTo(_pageNumbers);
        pages.CopyTo(_pages);
        var (count, length) = (pageNumbers.Length, pages.Length);
        _work = Task.Run(() => Compress(pageSize, count, _pages.AsSpan(0, length)));
    }

    /// <summary>Waits until the frames are there. If no core has begun with them, the caller's makes them.</summary>
    public void Wait() => _work.GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult(); // It uses the buffers.
        ArrayPool<uint>.Shared.Return(Interlocked.Exchange(ref _pageNumbers, []));
        ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _pages, []));
        ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _frames, []));
        ArrayPool<int>.Shared.Return(Interlocked.Exchange(ref _lengths, []));
        (_length, _count) = (0, 0);
    }

    private void Compress(PageSize pageSize, int count, ReadOnlySpan<byte> pages)
    {
        var payloadMax = LtxFrameHeader.PayloadMax(pageSize);
        Reserve(ref _frames, count * (LtxFrameHeader.BlockSize + payloadMax));
        Reserve(ref _lengths, count);
        (_length, _count, Crc, LogicalLength) = (0, 0, 0, 0);
        while (_count < count)
        {
            var pageNumber = _pageNumbers[_count];
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
