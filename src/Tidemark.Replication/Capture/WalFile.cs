using System.Buffers;
using Tidemark.Formats.Wal;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>Reads the WAL of a live database while a guard keeps the frames in their place.</summary>
/// <remarks>
/// <para>The WAL file carries no SQLite locks, so a handle of our own is safe; it is closed after every use. Not thread-safe.</para>
/// <para>Only bytes that were verified are handed out. A guard that stands at mark 0 lets a writer start the WAL over at any moment, also
/// between the scan of a frame and the use of its page. So pages come out of the very bytes that the scan has verified, where it took one
/// read; frames that are read a second time are verified a second time.</para>
/// </remarks>
internal sealed class WalFile : IDisposable
{
    private const int ReadSizeBytes = 1 << 20;

    private readonly string _path;
    private readonly IFile _file;

    // Of the frames that were scanned: where they begin, and the running checksum before each.
    private uint _firstScanned;
    private WalChecksum[] _before = [];

    // The bytes of the scan, where they are few.
    private byte[]? _scanned;
    private int _scannedLength;

    private WalFile(string path, IFile file, WalHeader header) => (_path, _file, Header) = (path, file, header);

    /// <summary>The header of this run of the WAL.</summary>
    public WalHeader Header { get; }

    /// <summary>Whether pages are only compared with what is known of them, and so may come from frames that were scanned elsewhere. Otherwise
    /// what is read a second time is verified a second time.</summary>
    public bool IsOnlyCompared { get; set; }

    private int FrameSize => WalFrameHeader.FrameSize(Header.PageSize);

    /// <summary>Opens the WAL and checks that it is the run that <paramref name="expected"/> describes.</summary>
    /// <exception cref="WalMismatchException">Its header is damaged, or it belongs to another run.</exception>
    public static WalFile Open(IFileSystem files, string path, in WalIndexHeader expected)
    {
        var file = files.Open(path, FileMode.Open, FileAccess.Read);
        try
        {
            Span<byte> bytes = stackalloc byte[WalHeader.Size];
            var count = file.Read(0, bytes);
            var fault = WalHeader.TryRead(bytes[..count], out var header);
            if (fault != WalFault.None)
            {
                throw new WalMismatchException(path, 0, $"(the header) is not valid: {fault}");
            }

            return header.Salts == expected.Salts && header.PageSize == expected.PageSize
                ? new WalFile(path, file, header)
                : throw new WalMismatchException(
                    path,
                    0,
                    $"(the header) has salts {header.Salts} and pages of {header.PageSize} bytes; "
                    + $"the WAL index says {expected.Salts} and {expected.PageSize}");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The running checksum that a frame carries, unverified, or null where the file does not reach.</summary>
    public WalChecksum? TryReadChecksum(uint frame)
    {
        Span<byte> bytes = stackalloc byte[WalFrameHeader.Size];
        var isThere = _file.Read(WalFrameHeader.OffsetOf(frame, Header.PageSize), bytes) == bytes.Length;
        var header = WalFrameHeader.Read(bytes);
        return isThere && header.Salts == Header.Salts ? header.Checksum : null;
    }

    /// <summary>Verifies frames one after the other and notes in <paramref name="map"/> which page each holds.</summary>
    /// <param name="firstFrame">Where to begin.</param>
    /// <param name="checksum">The running checksum of the frame before, or of the header for frame 1.</param>
    /// <param name="lastFrame">The last committed frame.</param>
    /// <param name="bytesMax">After this many bytes the scan ends at the first commit; one transaction is never split.</param>
    /// <param name="map">Takes the pages; not sealed here.</param>
    /// <exception cref="WalMismatchException">A frame is not what its salts and the running checksum say, or the last frame is no
    /// commit.</exception>
    public WalPiece Scan(uint firstFrame, WalChecksum checksum, uint lastFrame, long bytesMax, WalPageMap map)
    {
        var framesOfRead = (int)Math.Clamp(lastFrame - firstFrame + 1L, 1, Math.Max(1, ReadSizeBytes / FrameSize));
        var buffer = ForgetScan(framesOfRead);
        _firstScanned = firstFrame;
        try
        {
            var piece = new WalPiece(firstFrame, firstFrame - 1, 0, checksum);
            var mappedAtCommit = map.Count;
            for (var frame = firstFrame; frame <= lastFrame;)
            {
                var count = (int)Math.Min(framesOfRead, lastFrame - frame + 1);
                var bytes = buffer.AsSpan(0, count * FrameSize);
                MakeRoom((int)(frame - firstFrame) + count);
                if (_file.Read(WalFrameHeader.OffsetOf(frame, Header.PageSize), bytes) != bytes.Length)
                {
                    throw new WalMismatchException(_path, frame, $"is not wholly in the file, though {lastFrame} frames are committed");
                }

                _scannedLength = frame == firstFrame ? bytes.Length : 0;
                for (var i = 0; i < count; i++, frame++)
                {
                    _before[frame - firstFrame] = checksum;
                    var fault = WalFrameHeader.TryReadFrame(bytes.Slice(i * FrameSize, FrameSize), Header, checksum, out var header);
                    if (fault != WalFault.None)
                    {
                        throw new WalMismatchException(_path, frame, $"is not what SQLite committed: {fault}");
                    }

                    checksum = header.Checksum;
                    map.Add(header.PageNumber, frame);
                    if (!header.IsCommit)
                    {
                        continue;
                    }

                    piece = new WalPiece(firstFrame, frame, header.Commit, checksum);
                    mappedAtCommit = map.Count;
                    if (piece.FrameCount * (long)FrameSize >= bytesMax)
                    {
                        return piece;
                    }
                }
            }

            if (piece.LastFrame != lastFrame)
            {
                throw new WalMismatchException(_path, lastFrame, "is no commit, though the WAL index says so");
            }

            map.Truncate(mappedAtCommit);
            return piece;
        }
        catch
        {
            _scannedLength = 0;
            throw;
        }
    }

    /// <summary>Holds a piece that reaches the last committed frame against the second source, SQLite's WAL index.</summary>
    /// <exception cref="WalMismatchException">The running checksum or the size of the database differ.</exception>
    public void CheckEnd(in WalPiece piece, in WalIndexHeader snapshot)
    {
        if (piece.Checksum != snapshot.Checksum || piece.PageCount != snapshot.PageCount)
        {
            throw new WalMismatchException(
                _path,
                piece.LastFrame,
                $"ends with checksum {piece.Checksum} and {piece.PageCount} pages; "
                + $"the WAL index says {snapshot.Checksum} and {snapshot.PageCount}");
        }
    }

    /// <summary>Whether a frame follows that continues the WAL, committed or not.</summary>
    public bool GoesOnAfter(in WalPiece piece)
    {
        var frame = new byte[FrameSize];
        return _file.Read(WalFrameHeader.OffsetOf(piece.LastFrame + 1, Header.PageSize), frame) == frame.Length
            && WalFrameHeader.TryReadFrame(frame, Header, piece.Checksum, out _) == WalFault.None;
    }

    /// <summary>Gives the pages of consecutive frames, which were scanned before.</summary>
    /// <param name="firstFrame">The first frame.</param>
    /// <param name="pages">Room for as many pages as there are frames.</param>
    /// <exception cref="WalMismatchException">They are not any more what was scanned.</exception>
    public void ReadPages(uint firstFrame, Span<byte> pages)
    {
        var count = pages.Length / Header.PageSize.Bytes;
        var offset = (firstFrame - _firstScanned) * (long)FrameSize;
        if (offset + (count * (long)FrameSize) <= _scannedLength)
        {
            CopyPages(_scanned.AsSpan((int)offset, count * FrameSize), pages);
            return;
        }

        var framesOfRead = Math.Clamp(ReadSizeBytes / FrameSize, 1, count);
        var buffer = ArrayPool<byte>.Shared.Rent(framesOfRead * FrameSize);
        try
        {
            for (var done = 0; done < count; done += framesOfRead)
            {
                var now = Math.Min(framesOfRead, count - done);
                var frames = buffer.AsSpan(0, now * FrameSize);
                ReadAgain(firstFrame + (uint)done, frames);
                CopyPages(frames, pages[(done * Header.PageSize.Bytes)..]);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        if (_scanned is not null)
        {
            ArrayPool<byte>.Shared.Return(_scanned);
            _scanned = null;
        }
    }

    private byte[] ForgetScan(int framesOfRead)
    {
        _scannedLength = 0;
        if (_scanned is null || _scanned.Length < framesOfRead * FrameSize)
        {
            if (_scanned is not null)
            {
                ArrayPool<byte>.Shared.Return(_scanned);
            }

            _scanned = ArrayPool<byte>.Shared.Rent(framesOfRead * FrameSize);
        }

        return _scanned;
    }

    private void MakeRoom(int count)
    {
        const int DoubledUpTo = 1 << 20;
        if (_before.Length < count)
        {
            Array.Resize(ref _before, Math.Max(count, _before.Length < DoubledUpTo ? _before.Length * 2 : _before.Length + DoubledUpTo));
        }
    }

    private void CopyPages(ReadOnlySpan<byte> frames, Span<byte> pages)
    {
        var pageBytes = Header.PageSize.Bytes;
        for (var (at, page) = (0, 0); at < frames.Length; at += FrameSize, page += pageBytes)
        {
            frames.Slice(at + WalFrameHeader.Size, pageBytes).CopyTo(pages[page..]);
        }
    }

    private void ReadAgain(uint firstFrame, Span<byte> frames)
    {
        if (_file.Read(WalFrameHeader.OffsetOf(firstFrame, Header.PageSize), frames) != frames.Length)
        {
            throw new WalMismatchException(_path, firstFrame, "was there a moment ago and is not any more");
        }

        for (var (at, frame) = (0, firstFrame); at < frames.Length && !IsOnlyCompared; at += FrameSize, frame++)
        {
            var fault = WalFrameHeader.TryReadFrame(frames.Slice(at, FrameSize), Header, _before[frame - _firstScanned], out _);
            if (fault != WalFault.None)
            {
                throw new WalMismatchException(_path, frame, $"changed after it was verified: {fault}");
            }
        }
    }
}
