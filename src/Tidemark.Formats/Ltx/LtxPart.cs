using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>A bounded run of whole page frames, as they stand in the file: compressed, and decoded independently of all other
/// parts.</summary>
/// <remarks>
/// Filled by <see cref="LtxReader.ReadPartAsync"/> and reusable. Decoding is a pure function of the part, so parts can be decoded on
/// several cores. A part grows with the bytes that were really read and keeps its memory for the next use.
/// </remarks>
public sealed class LtxPart
{
    /// <summary>The most that the pages of a part expand to, in bytes. One page always fits.</summary>
    public const int ExpandedLengthMax = 1024 * 1024;

    private const int FirstFrameCapacity = 8;
    private const int FirstByteCapacity = 4096;

    private string _file = "";
    private long _offset;
    private byte[] _frames = [];
    private uint[] _pageNumbers = [];
    private int[] _frameEnds = [];
    private LtxRollingCheck? _rollingCheck;

    /// <summary>How many frames the part holds.</summary>
    public int Count { get; private set; }

    /// <summary>Size of the pages.</summary>
    public PageSize PageSize { get; private set; }

    /// <summary>The page numbers of the frames, ascending.</summary>
    public ReadOnlySpan<uint> PageNumbers => _pageNumbers.AsSpan(0, Count);

    /// <summary>Length of all pages when they are expanded, in bytes: the room that <see cref="Decode(Span{byte})"/> needs.</summary>
    public int ExpandedLength => Count * PageSize.Bytes;

    /// <summary>Length of the logical stream of this part that the file checksum covers: frame headers, size fields and expanded
    /// pages.</summary>
    public long LogicalLength { get; private set; }

    internal bool IsFull => ExpandedLength + PageSize.Bytes > ExpandedLengthMax;

    /// <summary>Expands all pages and computes the checksum of the part's logical stream.</summary>
    /// <param name="pages">Room for <see cref="Count"/> pages, which are written one after the other.</param>
    /// <returns>The CRC-64 of the part, to be handed to <see cref="LtxReader.AddPartChecksum"/> in the order of the parts.</returns>
    /// <exception cref="LtxFormatException">A page does not expand to exactly one page.</exception>
    public ulong Decode(Span<byte> pages) => Decode(pages, []);

    /// <summary>Expands all pages and computes the checksum of the part's logical stream, and that of each page.</summary>
    /// <param name="pages">Room for <see cref="Count"/> pages, which are written one after the other.</param>
    /// <param name="pageChecksums">Room for <see cref="Count"/> values of <see cref="DatabaseChecksum.OfPage"/>, or empty for none.</param>
    /// <returns>The CRC-64 of the part, to be handed to <see cref="LtxReader.AddPartChecksum"/> in the order of the parts.</returns>
    /// <exception cref="LtxFormatException">A page does not expand to exactly one page.</exception>
    public ulong Decode(Span<byte> pages, Span<ulong> pageChecksums)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages.Length, ExpandedLength, nameof(pages));
        if (!pageChecksums.IsEmpty)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(pageChecksums.Length, Count, nameof(pageChecksums));
        }

        var crc = 0UL;
        var allPageChecksums = 0UL;
        var start = 0;
        for (var i = 0; i < Count; i++)
        {
            var page = pages.Slice(i * PageSize.Bytes, PageSize.Bytes);
            var frame = _frames.AsSpan(start, _frameEnds[i] - start);
            var headerSize = LtxFrame.Expand(frame, page, _file, _offset + start, _pageNumbers[i]);
            crc = Crc64Iso.Append(Crc64Iso.Append(crc, frame[..headerSize]), page);
            start = _frameEnds[i];
            if (!pageChecksums.IsEmpty || _rollingCheck is not null)
            {
                var pageChecksum = DatabaseChecksum.OfPage(_pageNumbers[i], page);
                allPageChecksums ^= pageChecksum;
                if (!pageChecksums.IsEmpty)
                {
                    pageChecksums[i] = pageChecksum;
                }
            }
        }

        // Only once, also if somebody decodes the part again.
        Interlocked.Exchange(ref _rollingCheck, null)?.Add(allPageChecksums, Count);
        return crc;
    }

    internal void Reset(string file, PageSize pageSize, long offset, LtxRollingCheck? rollingCheck)
    {
        (_file, PageSize, _offset, _rollingCheck) = (file, pageSize, offset, rollingCheck);
        (Count, LogicalLength) = (0, 0);
    }

    internal void Add(in LtxFrameHeader header, ReadOnlySpan<byte> frame)
    {
        var start = Count == 0 ? 0 : _frameEnds[Count - 1];
        if (Count == _pageNumbers.Length)
        {
            Array.Resize(ref _pageNumbers, Math.Max(FirstFrameCapacity, 2 * Count));
            Array.Resize(ref _frameEnds, _pageNumbers.Length);
        }

        if (start + frame.Length > _frames.Length)
        {
            Array.Resize(ref _frames, Math.Max(Math.Max(FirstByteCapacity, 2 * _frames.Length), start + frame.Length));
        }

        frame.CopyTo(_frames.AsSpan(start));
        _pageNumbers[Count] = header.PageNumber;
        _frameEnds[Count++] = start + frame.Length;
        LogicalLength += header.LogicalLength(PageSize);
    }
}
