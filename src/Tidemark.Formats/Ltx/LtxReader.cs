using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>Reads one LTX file from a stream, once and in order, and checks everything the format promises.</summary>
/// <remarks>
/// <code>
///   ReadHeaderAsync, ReadPartAsync until it returns false, ReadTrailerAsync, Finish
/// </code>
/// Reading walks over frame headers only; expanding pages is left to <see cref="LtxPart.Decode(Span{byte})"/>, which can run on other
/// cores. What is read is proven only when <see cref="Finish"/> has returned, so nothing may be published before. Memory does not grow with
/// the file. A cancelled or failed call leaves a reader that is good for nothing but <see cref="Dispose"/>. Not thread-safe; does not close
/// the stream.
/// </remarks>
public sealed class LtxReader : IDisposable
{
    private const int IndexSizeSize = sizeof(ulong);

    private readonly string _name;
    private readonly LtxInput _input;
    private readonly LtxIndexDigest _index = new();
    private LtxReaderStage _stage;
    private LtxHeader _header;
    private LtxTrailer _trailer;
    private LtxPageSequence _pages;
    private LtxRollingCheck? _rollingCheck;
    private LtxFrameHeader _frame;
    private int _frameLength;
    private long _pageCount;
    private long _length;

    // The file checksum covers header, logical stream of the parts, and tail; each is summed up on its own, since parts come back later.
    private ulong _headerAndPartsCrc;
    private long _logicalLengthRead;
    private long _logicalLengthAdded;
    private ulong _tailCrc;
    private long _tailLength;

    /// <summary>Reads from <paramref name="source"/>; <paramref name="name"/> is how errors call the file.</summary>
    public LtxReader(Stream source, string name)
        : this(source, name, LtxInput.FullBufferSize)
    {
    }

    internal LtxReader(Stream source, string name, int bufferSizeMax)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(name);
        _name = name;
        _input = new LtxInput(source, bufferSizeMax);
    }

    /// <summary>The header, after <see cref="ReadHeaderAsync"/>.</summary>
    /// <exception cref="InvalidOperationException">The header was not read yet.</exception>
    public LtxHeader Header => _stage != LtxReaderStage.Header
        ? _header
        : throw new InvalidOperationException("The header was not read yet.");

    /// <summary>The page of the frame that was read last, after <see cref="ReadFrameAsync"/>; 0 at the end of the pages.</summary>
    internal uint FramePageNumber => _frame.PageNumber;

    /// <summary>The bytes of that frame, as they stand in the file, until the next one is read.</summary>
    internal ReadOnlySpan<byte> Frame => _input.Available[.._frameLength];

    /// <summary>Reads a whole file and checks everything in it, without any use of its pages.</summary>
    /// <exception cref="LtxFormatException">The file is damaged or is not one.</exception>
    public static async Task<LtxSummary> VerifyAsync(Stream source, string name, CancellationToken cancellationToken)
    {
        using var reader = new LtxReader(source, name);
        await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var _ in reader.ReadPagesAsync(cancellationToken).ConfigureAwait(false))
        {
        }

        return reader.Summary();
    }

    /// <summary>Reads and checks the header. Must be the first call.</summary>
    /// <exception cref="LtxFormatException">It is not valid, or the stream ends.</exception>
    public async ValueTask<LtxHeader> ReadHeaderAsync(CancellationToken cancellationToken)
    {
        Expect(LtxReaderStage.Header);
        await _input.FillAsync(LtxHeader.Size, cancellationToken).ConfigureAwait(false);
        if (LtxHeader.TryRead(_input.Available, out _header) is not LtxFault.None and var fault)
        {
            throw new LtxFormatException(fault, _name, fault == LtxFault.Truncated ? _input.EndOffset : 0);
        }

        _headerAndPartsCrc = Crc64Iso.Append(0, _input.Available[..LtxHeader.Size]);
        _input.Advance(LtxHeader.Size);
        _pages = new LtxPageSequence(_header.PageSize, _header.Commit, _header.IsSnapshot);
        _rollingCheck = _header is { IsSnapshot: true, TracksChecksums: true } ? new LtxRollingCheck() : null;
        _stage = LtxReaderStage.Pages;
        return _header;
    }

    /// <summary>Fills <paramref name="part"/> with the next frames: at least one, and as many as fit into about a megabyte of expanded
    /// pages.</summary>
    /// <returns>False when all pages were read; the part is then empty.</returns>
    /// <exception cref="LtxFormatException">A frame is not valid: flags, order, range, size.</exception>
    public async ValueTask<bool> ReadPartAsync(LtxPart part, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(part);
        part.Reset(_name, _header.PageSize, _input.Offset, _rollingCheck);
        if (_stage == LtxReaderStage.Trailer)
        {
            return false;
        }

        while (!part.IsFull && await ReadFrameAsync(cancellationToken).ConfigureAwait(false))
        {
            part.Add(_frame, Frame);
            PassFrame();
        }

        return part.Count > 0;
    }

    /// <summary>Reads the next frame, for those that go from one frame to the next: <see cref="ExpandFrame"/> takes the place of parts and
    /// of their checksums.</summary>
    /// <returns>False when all pages were read.</returns>
    /// <exception cref="LtxFormatException">The frame is not valid: flags, order, range, size.</exception>
    internal async ValueTask<bool> ReadFrameAsync(CancellationToken cancellationToken)
    {
        Expect(LtxReaderStage.Pages);
        PassFrame();
        await FillOrThrowAsync(LtxFrameHeader.Size, cancellationToken).ConfigureAwait(false);
        _frame = ReadFrameHeader();
        if (_frame.IsEnd)
        {
            EndPages();
            return false;
        }

        _frameLength = await MeasureFrameAsync(_frame, cancellationToken).ConfigureAwait(false);
        _index.Add(new LtxIndexEntry(_frame.PageNumber, _input.Offset, _frameLength));
        _logicalLengthRead += _frame.LogicalLength(_header.PageSize);
        _pageCount++;
        return true;
    }

    /// <summary>Expands the frame that was read last and adds it to the checksum of the file. Once for every frame.</summary>
    /// <param name="page">Room for one page.</param>
    /// <returns>Bytes of the frame that the file checksum covers beside the page: header and size field.</returns>
    /// <exception cref="LtxFormatException">It does not expand to exactly one page.</exception>
    internal int ExpandFrame(Span<byte> page)
    {
        var headerSize = LtxFrame.Expand(Frame, page, _name, _input.Offset, _frame.PageNumber);
        _headerAndPartsCrc = Crc64Iso.Append(Crc64Iso.Append(_headerAndPartsCrc, Frame[..headerSize]), page);
        _logicalLengthAdded += headerSize + page.Length;
        _rollingCheck?.Add(DatabaseChecksum.OfPage(_frame.PageNumber, page), 1);
        return headerSize;
    }

    /// <summary>Hands in the checksum of a decoded part. Every part, in the order in which they were read; any time before
    /// <see cref="Finish"/>.</summary>
    public void AddPartChecksum(ulong crc, long logicalLength)
    {
        _headerAndPartsCrc = Crc64Iso.Combine(_headerAndPartsCrc, crc, logicalLength);
        _logicalLengthAdded += logicalLength;
    }

    /// <summary>Reads index and trailer, and checks that the index names exactly the frames that were read, that a snapshot is complete,
    /// and that nothing follows.</summary>
    /// <exception cref="LtxFormatException">Index or trailer is not valid, or the stream ends too early or goes on.</exception>
    public async ValueTask<LtxTrailer> ReadTrailerAsync(CancellationToken cancellationToken)
    {
        Expect(LtxReaderStage.Trailer);
        await ReadIndexAsync(cancellationToken).ConfigureAwait(false);
        await FillOrThrowAsync(LtxTrailer.Size, cancellationToken).ConfigureAwait(false);
        if (LtxTrailer.TryRead(_input.Available, _header, out _trailer) is not LtxFault.None and var fault)
        {
            throw new LtxFormatException(fault, _name, _input.Offset);
        }

        PassTail(LtxTrailer.CheckedSize);
        _input.Advance(LtxTrailer.Size - LtxTrailer.CheckedSize);
        if (await _input.FillAsync(1, cancellationToken).ConfigureAwait(false))
        {
            throw new LtxFormatException(LtxFault.TrailingBytes, _name, _input.Offset);
        }

        _length = _input.Offset;
        _stage = LtxReaderStage.Finish;
        return _trailer;
    }

    /// <summary>Checks the file checksum, from the parts' checksums and the rest, and the checksum-after of a snapshot that has one. After
    /// all else.</summary>
    /// <exception cref="LtxFormatException">A checksum does not match.</exception>
    /// <exception cref="InvalidOperationException">Not every part was handed in, or the trailer was not read yet.</exception>
    public void Finish()
    {
        Expect(LtxReaderStage.Finish);
        if (_logicalLengthAdded != _logicalLengthRead)
        {
            throw new InvalidOperationException(
                $"The checksums of {_logicalLengthAdded} bytes were handed in, but {_logicalLengthRead} bytes were read.");
        }

        var crc = Crc64Iso.Combine(_headerAndPartsCrc, _tailCrc, _tailLength);
        if ((DatabaseChecksum.Flag | crc) != _trailer.FileChecksum)
        {
            throw new LtxFormatException(LtxFault.FileChecksumMismatch, _name, _length - sizeof(ulong));
        }

        if (_rollingCheck is not null && _rollingCheck.Total(_pageCount).Value != _trailer.PostApplyChecksum)
        {
            throw new LtxFormatException(LtxFault.DatabaseChecksumMismatch, _name, _length - LtxTrailer.Size);
        }

        _stage = LtxReaderStage.Done;
    }

    /// <summary>Reads all pages one after the other, then index and trailer, and checks everything. After
    /// <see cref="ReadHeaderAsync"/>.</summary>
    /// <remarks>For callers with one core to spend. The pages are proven only when the enumeration has come to its end.</remarks>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public async IAsyncEnumerable<LtxPage> ReadPagesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var part = new LtxPart();
        var pages = Array.Empty<byte>();
        while (await ReadPartAsync(part, cancellationToken).ConfigureAwait(false))
        {
            if (pages.Length < part.ExpandedLength)
            {
                pages = GC.AllocateUninitializedArray<byte>(part.ExpandedLength);
            }

            AddPartChecksum(part.Decode(pages), part.LogicalLength);
            for (var i = 0; i < part.Count; i++)
            {
                yield return new LtxPage(part.PageNumbers[i], pages.AsMemory(i * part.PageSize.Bytes, part.PageSize.Bytes));
            }
        }

        await ReadTrailerAsync(cancellationToken).ConfigureAwait(false);
        Finish();
    }

    /// <summary>What the file says, after <see cref="Finish"/>.</summary>
    /// <exception cref="InvalidOperationException">The file was not checked to its end yet.</exception>
    public LtxSummary Summary()
    {
        Expect(LtxReaderStage.Done);
        return new LtxSummary(_header, _trailer, _pageCount, _length);
    }

    /// <inheritdoc/>
    public void Dispose() => _input.Dispose();

    private void PassFrame()
    {
        _input.Advance(_frameLength);
        _frameLength = 0;
    }

    private LtxFrameHeader ReadFrameHeader()
    {
        var fault = LtxFrameHeader.TryRead(_input.Available, out var header);
        if (fault != LtxFault.None)
        {
            throw new LtxFormatException(fault, _name, _input.Offset);
        }

        if (!header.IsEnd && _pages.Accept(header.PageNumber) is not LtxFault.None and var orderFault)
        {
            throw new LtxFormatException(orderFault, _name, _input.Offset, OrderCause(orderFault, header.PageNumber));
        }

        return header;
    }

    private async ValueTask<int> MeasureFrameAsync(LtxFrameHeader header, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (LtxFrame.TryMeasure(_input.Available, header, _header.PageSize, out var length) is not LtxFault.None and var fault)
            {
                throw new LtxFormatException(fault, _name, _input.Offset, $"page {header.PageNumber}: {LtxFaultText.Describe(fault)}");
            }

            if (length <= _input.Available.Length)
            {
                return length;
            }

            await FillOrThrowAsync(length, cancellationToken).ConfigureAwait(false);
        }
    }

    private void EndPages()
    {
        if (_pages.End(_header.Commit) is not LtxFault.None and var fault)
        {
            var cause = $"the snapshot ends after page {_pages.Last} of {_header.Commit}";
            throw new LtxFormatException(fault, _name, _input.Offset, cause);
        }

        PassTail(LtxFrameHeader.Size);
        _stage = LtxReaderStage.Trailer;
    }

    private async ValueTask ReadIndexAsync(CancellationToken cancellationToken)
    {
        var start = _input.Offset;
        var actual = new XxHash128();
        for (var remaining = _index.Length; remaining > 0;)
        {
            await FillOrThrowAsync(1, cancellationToken).ConfigureAwait(false);
            var length = (int)Math.Min(remaining, _input.Available.Length);
            actual.Append(_input.Available[..length]);
            PassTail(length);
            remaining -= length;
        }

        await FillOrThrowAsync(1 + IndexSizeSize, cancellationToken).ConfigureAwait(false);
        if (!_index.Matches(actual) || _input.Available[0] != 0)
        {
            throw new LtxFormatException(LtxFault.IndexMismatch, _name, start);
        }

        PassTail(1);
        if (BinaryPrimitives.ReadUInt64BigEndian(_input.Available) != (ulong)_index.Length + 1)
        {
            throw new LtxFormatException(LtxFault.IndexSizeMismatch, _name, _input.Offset);
        }

        PassTail(IndexSizeSize);
    }

    private async ValueTask FillOrThrowAsync(int count, CancellationToken cancellationToken)
    {
        if (!await _input.FillAsync(count, cancellationToken).ConfigureAwait(false))
        {
            throw new LtxFormatException(LtxFault.Truncated, _name, _input.EndOffset);
        }
    }

    private void PassTail(int count)
    {
        _tailCrc = Crc64Iso.Append(_tailCrc, _input.Available[..count]);
        _tailLength += count;
        _input.Advance(count);
    }

    private string OrderCause(LtxFault fault, uint pageNumber) => fault switch
    {
        LtxFault.InvalidPageNumber when pageNumber == _header.PageSize.LockPage
            => $"page {pageNumber} is the lock page, which no file holds,",
        LtxFault.InvalidPageNumber => $"page {pageNumber} is not in a database of {_header.Commit} pages",
        LtxFault.PageOutOfOrder => $"page {pageNumber} follows page {_pages.Last}",
        _ => $"the snapshot has page {pageNumber} after page {_pages.Last}",
    };

    private void Expect(LtxReaderStage stage)
    {
        if (_stage != stage)
        {
            throw new InvalidOperationException($"The reader is at the stage {_stage}, not {stage}.");
        }
    }
}
