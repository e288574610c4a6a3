using System.Buffers.Binary;
using System.IO.Hashing;

namespace Tidemark.Formats.Compression;

/// <summary>Expands one LZ4 frame of any length while it is read, and checks its checksums.</summary>
/// <remarks>
/// <para>The frame must be the whole of the inner stream. What was read is proven only when a read has returned 0; everything before may be
/// from a damaged frame. Frames that need a dictionary are refused.</para>
/// <para>Memory is two blocks, at most 8 MiB, and 64 KiB where blocks lean on the ones before. Owns the inner stream. Not
/// thread-safe.</para>
/// </remarks>
public sealed class Lz4FrameStream : Stream
{
    private const uint StoredFlag = 1U << 31;
    private const int WindowSizeBytes = 64 * 1024;

    private readonly Stream _inner;
    private readonly XxHash32 _contentHash = new();
    private Lz4FrameHeader? _header;
    private byte[] _compressed = [];

    /// <summary>The end of the blocks before, which a block may lean on, and the block itself.</summary>
    private byte[] _expanded = [];

    private int _position;
    private int _end;
    private ulong _length;
    private bool _isAtEnd;

    /// <summary>Reads the frame at whose beginning <paramref name="inner"/> stands.</summary>
    public Lz4FrameStream(Stream inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _inner = inner;
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Reads expanded bytes; 0 at the end of a frame that is whole and right.</summary>
    /// <exception cref="InvalidDataException">The frame is damaged, cut off, or followed by something else.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_position == _end && !_isAtEnd && buffer.Length > 0)
        {
            if (_header is null)
            {
                await ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            }

            await ReadBlockAsync(_header!.Value, cancellationToken).ConfigureAwait(false);
        }

        var count = Math.Min(buffer.Length, _end - _position);
        _expanded.AsSpan(_position, count).CopyTo(buffer.Span);
        _position += count;
        return count;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask ReadHeaderAsync(CancellationToken cancellationToken)
    {
        var bytes = new byte[Lz4FrameHeader.SizeMax];
        await FillAsync(bytes.AsMemory(0, Lz4FrameHeader.SizeMin), cancellationToken).ConfigureAwait(false);
        var size = Lz4FrameHeader.SizeOf(bytes);
        await FillAsync(bytes.AsMemory(Lz4FrameHeader.SizeMin..size), cancellationToken).ConfigureAwait(false);
        if (!Lz4FrameHeader.TryRead(bytes.AsSpan(0, size), out var header))
        {
            throw new InvalidDataException("it does not begin as an LZ4 frame");
        }

        _header = header;
        var window = header.HasIndependentBlocks ? 0 : WindowSizeBytes;
        _expanded = GC.AllocateUninitializedArray<byte>(window + header.BlockSizeMax);
    }

    private async ValueTask ReadBlockAsync(Lz4FrameHeader header, CancellationToken cancellationToken)
    {
        var word = await ReadWordAsync(cancellationToken).ConfigureAwait(false);
        if (word == 0)
        {
            await CheckEndAsync(header, cancellationToken).ConfigureAwait(false);
            return;
        }

        var size = (int)(word & ~StoredFlag);
        if (size == 0 || size > header.BlockSizeMax)
        {
            throw new InvalidDataException($"an LZ4 block has {size} bytes, but none may have more than {header.BlockSizeMax}");
        }

        if (_compressed.Length < size)
        {
            _compressed = GC.AllocateUninitializedArray<byte>(size);
        }

        var block = _compressed.AsMemory(0, size);
        await FillAsync(block, cancellationToken).ConfigureAwait(false);
        if (header.HasBlockChecksums && await ReadWordAsync(cancellationToken).ConfigureAwait(false) != XxHash32.HashToUInt32(block.Span))
        {
            throw new InvalidDataException("the checksum of an LZ4 block is wrong");
        }

        Expand(header, block.Span, isStored: (word & StoredFlag) != 0);
    }

    private void Expand(in Lz4FrameHeader header, ReadOnlySpan<byte> block, bool isStored)
    {
        var windowLength = header.HasIndependentBlocks ? 0 : Math.Min(WindowSizeBytes, _end);
        _expanded.AsSpan(_end - windowLength, windowLength).CopyTo(_expanded);
        var target = _expanded.AsSpan(windowLength, header.BlockSizeMax);
        var length = Lz4Frame.DecodeBlock(block, isStored, target, _expanded.AsSpan(0, windowLength));
        if (length < 0)
        {
            throw new InvalidDataException("an LZ4 block cannot be expanded");
        }

        (_position, _end) = (windowLength, windowLength + length);
        _length += (ulong)length;
        if (header.HasContentChecksum)
        {
            _contentHash.Append(target[..length]);
        }
    }

    private async ValueTask CheckEndAsync(Lz4FrameHeader header, CancellationToken cancellationToken)
    {
        if (header.HasContentChecksum
            && await ReadWordAsync(cancellationToken).ConfigureAwait(false) != _contentHash.GetCurrentHashAsUInt32())
        {
            throw new InvalidDataException("the checksum of the LZ4 frame is wrong");
        }

        if (header.ContentSize is { } promised && promised != _length)
        {
            throw new InvalidDataException($"the LZ4 frame holds {_length} bytes, but its header says {promised}");
        }

        if (await _inner.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) != 0)
        {
            throw new InvalidDataException("the file goes on after the end of the LZ4 frame");
        }

        _isAtEnd = true;
    }

    private async ValueTask<uint> ReadWordAsync(CancellationToken cancellationToken)
    {
        var word = new byte[sizeof(uint)];
        await FillAsync(word, cancellationToken).ConfigureAwait(false);
        return BinaryPrimitives.ReadUInt32LittleEndian(word);
    }

    private async ValueTask FillAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        var count = await _inner.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellationToken)
            .ConfigureAwait(false);
        if (count < target.Length)
        {
            throw new InvalidDataException("the LZ4 frame is cut off");
        }
    }
}
