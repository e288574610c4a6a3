using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>Writes one LTX file to a stream: header, pages in ascending order, index, trailer.</summary>
/// <remarks>
/// Synchronous, since it writes to local disks and pipes. Pages are compressed on several cores while the caller brings the next ones and
/// while earlier ones are written. Memory is bounded: so are the pages underway, and the index moves to <c>indexOverflow</c> when it grows
/// large. What is written is a file only after <see cref="Complete()"/>; after a failed write the writer refuses to go on. Not thread-safe.
/// Disposing does not close the destination.
/// </remarks>
public sealed class LtxWriter : IDisposable
{
    // More cores than this would wait for the one that writes.
    private const int ParallelismMax = 16;

    // For each core one group in its hands and one that waits for it.
    private const int GroupsPerCore = 2;

    private readonly Stream _destination;
    private readonly LtxHeader _header;
    private readonly long _start;
    private readonly LtxOutput _output;
    private readonly LtxIndexBuilder _index;
    private readonly int _pagesPerGroup;

    // A ring: those underway, from the first one on, are written in their order. The single group of a single core is never underway.
    private readonly LtxFrameGroup[] _groups;
    private int _firstUnderway;
    private int _underway;

    private LtxPageSequence _pages;
    private bool _isOpen = true;

    // Without the header, which may still change.
    private ulong _framesCrc;
    private long _framesLogicalLength;

    /// <summary>Starts a file: writes <paramref name="header"/>.</summary>
    /// <param name="destination">Where the file goes. It is written in order; only <see cref="Complete(LtxHeader)"/> with another header
    /// seeks back.</param>
    /// <param name="header">The header.</param>
    /// <param name="indexOverflow">Makes a temporary read-write seekable stream, called at most once, when the index exceeds a few
    /// megabytes; the writer closes it. Null keeps the index in memory.</param>
    /// <param name="parallelism">How many cores compress pages, at least 1.</param>
    /// <exception cref="ArgumentException">The header is not valid.</exception>
    public LtxWriter(Stream destination, LtxHeader header, Func<Stream>? indexOverflow = null, int parallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentOutOfRangeException.ThrowIfLessThan(parallelism, 1);
        ThrowIfAtFault(header.Validate(), nameof(header));
        _destination = destination;
        _header = header;
        _start = destination.CanSeek ? destination.Position : 0;
        _pages = new LtxPageSequence(header.PageSize, header.Commit, header.IsSnapshot);
        _pagesPerGroup = Math.Max(1, LtxFrameGroup.PagesLengthMax / header.PageSize.Bytes);
        var groupCount = parallelism == 1 ? 1 : GroupsPerCore * Math.Min(parallelism, ParallelismMax);
        _groups = [.. Enumerable.Range(0, groupCount).Select(_ => new LtxFrameGroup())];
        _index = new LtxIndexBuilder(indexOverflow);
        _output = new LtxOutput(destination);
        Span<byte> bytes = stackalloc byte[LtxHeader.Size];
        header.Write(bytes);
        _output.Write(bytes);
    }

    /// <summary>Length of the whole file in bytes when it is complete. Before, it does not count what is still underway.</summary>
    public long Length => _output.Length;

    /// <summary>Pages written so far.</summary>
    public long PageCount { get; private set; }

    /// <summary>Writes a batch of pages. Batches of a few hundred pages use several cores; one of few is not worth the trouble.</summary>
    /// <param name="pageNumbers">Ascending, above all pages before; for a snapshot without holes except for the lock page.</param>
    /// <param name="pages">The pages' bytes, one after the other.</param>
    /// <exception cref="ArgumentException">Page number order, range or length is wrong.</exception>
    public void WritePages(ReadOnlyMemory<uint> pageNumbers, ReadOnlyMemory<byte> pages)
    {
        ThrowUnlessOpen();
        var pageSize = _header.PageSize.Bytes;
        if (pages.Length != (long)pageNumbers.Length * pageSize)
        {
            throw new ArgumentException($"{pageNumbers.Length} pages are not {pages.Length} bytes.", nameof(pages));
        }

        var sequence = _pages;
        foreach (var pageNumber in pageNumbers.Span)
        {
            if (sequence.Accept(pageNumber) is not LtxFault.None and var fault)
            {
                throw new ArgumentException(
                    $"Page {pageNumber} after page {sequence.Last}: {LtxFaultText.Describe(fault)}.", nameof(pageNumbers));
            }
        }

        // Only a call that ends well opens the writer again: after half a write nothing more can be right.
        _isOpen = false;
        _pages = sequence;
        PageCount += pageNumbers.Length;
        for (var at = 0; at < pageNumbers.Length; at += _pagesPerGroup)
        {
            var count = Math.Min(_pagesPerGroup, pageNumbers.Length - at);
            WriteGroup(pageNumbers.Span.Slice(at, count), pages.Span.Slice(at * pageSize, count * pageSize));
        }

        _isOpen = true;
    }

    /// <summary>Writes the end of the file with the header it was started with.</summary>
    /// <exception cref="InvalidOperationException">The file is a snapshot and lacks pages.</exception>
    public void Complete() => Complete(_header);

    /// <summary>Writes the end of the file and puts <paramref name="finalHeader"/> in the place of the first one (the destination must be
    /// seekable), for what is known only after all pages were seen. The file checksum covers the final header.</summary>
    /// <exception cref="ArgumentException">The header is not valid, or does not fit the pages that were written.</exception>
    /// <exception cref="InvalidOperationException">The file is a snapshot and lacks pages.</exception>
    public void Complete(LtxHeader finalHeader) => Complete(finalHeader, postApplyChecksum: 0);

    /// <summary>Completes a file that tracks checksums in the standard way.</summary>
    /// <param name="finalHeader">The header, which takes the place of the first one if it is another.</param>
    /// <param name="postApplyChecksum">The standard checksum-after field; 0 when the header says that the file does not track
    /// checksums.</param>
    /// <exception cref="ArgumentException">The header or the checksum is not valid, or does not fit the pages that were
    /// written.</exception>
    /// <exception cref="InvalidOperationException">The file is a snapshot and lacks pages.</exception>
    public void Complete(LtxHeader finalHeader, ulong postApplyChecksum)
    {
        ThrowUnlessOpen();
        ThrowIfUnfit(finalHeader);
        ThrowIfAtFault(new LtxTrailer(postApplyChecksum, DatabaseChecksum.Flag).Validate(finalHeader), nameof(postApplyChecksum));
        if (_pages.End(finalHeader.Commit) is not LtxFault.None)
        {
            throw new InvalidOperationException($"The snapshot is written up to page {_pages.Last} of {finalHeader.Commit} only.");
        }

        _isOpen = false;
        while (_underway > 0)
        {
            WriteOldest();
        }

        Span<byte> headerBytes = stackalloc byte[LtxHeader.Size];
        finalHeader.Write(headerBytes);
        WriteTail(Crc64Iso.Append(0, headerBytes), postApplyChecksum);
        if (finalHeader != _header)
        {
            _destination.Position = _start;
            _destination.Write(headerBytes);
            _destination.Position = _start + Length;
        }

        _destination.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isOpen = false;
        _output.Dispose();
        _index.Dispose();
        foreach (var group in _groups)
        {
            group.Dispose();
        }
    }

    private static void ThrowIfAtFault(LtxFault fault, string parameter)
    {
        if (fault != LtxFault.None)
        {
            throw new ArgumentException($"The file would not be valid: {LtxFaultText.Describe(fault)}.", parameter);
        }
    }

    private void ThrowIfUnfit(LtxHeader finalHeader)
    {
        ThrowIfAtFault(finalHeader.Validate(), nameof(finalHeader));
        if (finalHeader.PageSize != _header.PageSize || finalHeader.IsSnapshot != _header.IsSnapshot || finalHeader.Commit < _pages.Last)
        {
            throw new ArgumentException("The final header does not fit the pages that were written.", nameof(finalHeader));
        }

        if (finalHeader != _header && !_destination.CanSeek)
        {
            throw new ArgumentException("Another header needs a destination that can seek.", nameof(finalHeader));
        }
    }

    private void ThrowUnlessOpen()
    {
        if (!_isOpen)
        {
            throw new InvalidOperationException("The file is complete, a write to it has failed, or the writer is disposed.");
        }
    }

    private void WriteGroup(ReadOnlySpan<uint> pageNumbers, ReadOnlySpan<byte> pages)
    {
        if (_groups.Length == 1 || (_underway == 0 && pageNumbers.Length < _pagesPerGroup))
        {
            _groups[_firstUnderway].Compress(_header.PageSize, pageNumbers, pages);
            Write(_groups[_firstUnderway]);
            return;
        }

        if (_underway == _groups.Length)
        {
            WriteOldest();
        }

        _groups[(_firstUnderway + _underway) % _groups.Length].Start(_header.PageSize, pageNumbers, pages);
        _underway++;
    }

    private void WriteOldest()
    {
        var group = _groups[_firstUnderway];
        group.Wait();
        Write(group);
        _firstUnderway = (_firstUnderway + 1) % _groups.Length;
        _underway--;
    }

    private void Write(LtxFrameGroup group)
    {
        var offset = Length;
        var pageNumbers = group.PageNumbers;
        var lengths = group.FrameLengths;
        for (var i = 0; i < lengths.Length; i++)
        {
            _index.Add(new LtxIndexEntry(pageNumbers[i], offset, lengths[i]));
            offset += lengths[i];
        }

        _output.Write(group.Frames);
        Invariant.Holds(Length == offset, $"The index says that frames end at byte {offset}, but they end at {Length}.");
        _framesCrc = Crc64Iso.Combine(_framesCrc, group.Crc, group.LogicalLength);
        _framesLogicalLength += group.LogicalLength;
    }

    private void WriteTail(ulong headerCrc, ulong postApplyChecksum)
    {
        Span<byte> endMarker = stackalloc byte[LtxFrameHeader.Size];
        endMarker.Clear();
        _output.Write(endMarker);
        var crc = Crc64Iso.Combine(headerCrc, _framesCrc, _framesLogicalLength);
        crc = Crc64Iso.Append(crc, endMarker);
        _index.End(_output);
        crc = Crc64Iso.Combine(crc, _index.Crc, _index.Length);

        Span<byte> end = stackalloc byte[LtxFileEnd.Size];
        LtxFileEnd.Write(end, crc, _index.Length, postApplyChecksum);
        _output.Write(end);
        _output.Flush();
    }
}
