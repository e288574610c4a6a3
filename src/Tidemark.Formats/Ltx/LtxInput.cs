using System.Buffers;

namespace Tidemark.Formats.Ltx;

/// <summary>A stream with a window of bytes that were read ahead. Large reads, since each read of a remote file or a pipe has its
/// price.</summary>
/// <remarks>Small files cost a small buffer; only who reads on gets the large one. Not thread-safe; does not close the stream.</remarks>
/// <param name="source">The file.</param>
/// <param name="bufferSizeMax">How large the window becomes, in bytes; at least <see cref="FirstBufferSize"/>, which is for those that have
/// many files open at once.</param>
internal sealed class LtxInput(Stream source, int bufferSizeMax = LtxInput.FullBufferSize) : IDisposable
{
    /// <summary>The most that can be asked for at once; larger than any frame.</summary>
    public const int FirstBufferSize = 128 * 1024;

    /// <summary>The window of who reads one file and nothing else.</summary>
    public const int FullBufferSize = 1024 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferSize);
    private int _start;
    private int _end;

    /// <summary>Offset in the file of the first byte of <see cref="Available"/>.</summary>
    public long Offset { get; private set; }

    /// <summary>Offset in the file after the last byte that was read.</summary>
    public long EndOffset => Offset + (_end - _start);

    /// <summary>The bytes that were read and not passed yet.</summary>
    public ReadOnlySpan<byte> Available => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Passes over bytes that are available.</summary>
    public void Advance(int count)
    {
        Invariant.Holds(count <= _end - _start, $"Cannot pass over {count} bytes, {_end - _start} are available.");
        _start += count;
        Offset += count;
    }

    /// <summary>Reads until at least <paramref name="count"/> bytes are available; false when the stream ends before.</summary>
    public ValueTask<bool> FillAsync(int count, CancellationToken cancellationToken)
        => _end - _start >= count ? ValueTask.FromResult(true) : ReadAsync(count, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        (_start, _end) = (0, 0);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<bool> ReadAsync(int count, CancellationToken cancellationToken)
    {
        Invariant.Holds(count <= FirstBufferSize, $"A window of {count} bytes is more than was planned for.");
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        MakeRoom();
        while (_end - _start < count)
        {
            var read = await source.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            _end += read;
        }

        return true;
    }

    private void MakeRoom()
    {
        var from = _buffer;
        if (EndOffset >= FirstBufferSize && _buffer.Length < bufferSizeMax)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(bufferSizeMax);
        }

        from.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (from != _buffer)
        {
            ArrayPool<byte>.Shared.Return(from);
        }
    }
}
