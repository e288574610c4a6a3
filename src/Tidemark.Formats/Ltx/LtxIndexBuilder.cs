using System.Buffers;

namespace Tidemark.Formats.Ltx;

/// <summary>The bytes of the page index while a file is written. They move to a temporary stream when they grow large.</summary>
internal sealed class LtxIndexBuilder(Func<Stream>? overflow) : IDisposable
{
    /// <summary>Larger parts of the index move to the temporary stream, in bytes.</summary>
    public const int InMemoryMax = 4 * 1024 * 1024;

    private const int FirstCapacity = 1024;
    private const int CopyLength = 64 * 1024;

    private byte[] _buffer = [];
    private int _buffered;
    private Stream? _overflow;

    /// <summary>Length of the index so far, in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>CRC-64 of the index so far.</summary>
    public ulong Crc { get; private set; }

    /// <summary>Adds an entry.</summary>
    public void Add(in LtxIndexEntry entry)
    {
        Reserve(LtxIndexEntry.SizeMax);
        Append(entry.Write(_buffer.AsSpan(_buffered)));
    }

    /// <summary>Adds the zero that ends the entries, and writes the whole index.</summary>
    /// <exception cref="EndOfStreamException">The temporary stream gave back less than was put into it.</exception>
    public void End(LtxOutput output)
    {
        Reserve(1);
        _buffer[_buffered] = 0;
        Append(1);
        if (_overflow is not null)
        {
            CopyOverflow(_overflow, output);
        }

        output.Write(_buffer.AsSpan(0, _buffered));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _buffer, []));
        _buffered = 0;
        Interlocked.Exchange(ref _overflow, null)?.Dispose();
    }

    private static void CopyOverflow(Stream overflow, LtxOutput output)
    {
        var remaining = overflow.Position;
        overflow.Position = 0;
        var copy = ArrayPool<byte>.Shared.Rent(CopyLength);
        try
        {
            while (remaining > 0)
            {
                var length = (int)Math.Min(remaining, CopyLength);
                overflow.ReadExactly(copy, 0, length);
                output.Write(copy.AsSpan(0, length));
                remaining -= length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private void Append(int length)
    {
        // The checksum is taken from what was meant, so that a temporary stream that damages it makes a file that does not verify.
        Crc = Crc64Iso.Append(Crc, _buffer.AsSpan(_buffered, length));
        _buffered += length;
        Length += length;
    }

    private void Reserve(int length)
    {
        if (_buffer.Length - _buffered >= length)
        {
            return;
        }

        if (overflow is not null && _buffered >= InMemoryMax - LtxIndexEntry.SizeMax)
        {
            _overflow ??= overflow();
            _overflow.Write(_buffer.AsSpan(0, _buffered));
            _buffered = 0;
            return;
        }

        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(FirstCapacity, 2 * _buffer.Length));
        _buffer.AsSpan(0, _buffered).CopyTo(grown);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
    }
}
