using System.Buffers;

namespace Tidemark.Formats.Ltx;

/// <summary>Gathers small writes into large ones. Small files cost a small buffer. Not thread-safe; does not close the stream.</summary>
internal sealed class LtxOutput(Stream destination) : IDisposable
{
    private const int FirstBufferSize = 64 * 1024;
    private const int FullBufferSize = 1024 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferSize);
    private int _buffered;

    /// <summary>Bytes written so far.</summary>
    public long Length { get; private set; }

    /// <summary>Writes at the end.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        while (bytes.Length > _buffer.Length - _buffered)
        {
            var fitting = _buffer.Length - _buffered;
            bytes[..fitting].CopyTo(_buffer.AsSpan(_buffered));
            bytes = bytes[fitting..];
            _buffered += fitting;
            Flush();
            Grow();
        }

        bytes.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += bytes.Length;
    }

    /// <summary>Hands everything to the destination.</summary>
    public void Flush()
    {
        destination.Write(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        _buffered = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Grow()
    {
        if (_buffer.Length < FullBufferSize)
        {
            // Rented before the old one is returned: were there no memory, the old one would be returned twice.
            var grown = ArrayPool<byte>.Shared.Rent(FullBufferSize);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = grown;
        }
    }
}
