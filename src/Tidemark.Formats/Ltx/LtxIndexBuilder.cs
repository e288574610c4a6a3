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
    private int _bufferedRead;
    private Stream? _overflow;
    private long _overflowUnread;

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

    /// <summary>Adds the zero that ends the entries. Only <see cref="Read"/> may follow.</summary>
    public void End()
    {
        Reserve(1);
        _buffer[_buffered] = 0;
        Append(1);
        if (_overflow is not null)
        {
            _overflowUnread = _overflow.Position;
            _overflow.Position = 0;
        }
    }

    /// <summary>Adds the zero that ends the entries, and writes the whole index.</summary>
    /// <exception cref="EndOfStreamException">The temporary stream gave back less than was put into it.</exception>
    public void End(LtxOutput output)
    {
        End();
        var copy = ArrayPool<byte>.Shared.Rent(CopyLength);
        try
        {
            for (int count; (count = Read(copy)) > 0;)
            {
                output.Write(copy.AsSpan(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    /// <summary>Gives the next bytes of the whole index, after <see cref="End()"/>.</summary>
    /// <returns>How many bytes, 0 at the end of the index.</returns>
    /// <exception cref="EndOfStreamException">The temporary stream gave back less than was put into it.</exception>
    public int Read(Span<byte> destination)
    {
        if (_overflow is not null && _overflowUnread > 0)
        {
            var length = (int)Math.Min(_overflowUnread, destination.Length);
            _overflow.ReadExactly(destination[..length]);
            _overflowUnread -= length;
            return length;
        }

        var count = Math.Min(_buffered - _bufferedRead, destination.Length);
        _buffer.AsSpan(_bufferedRead, count).CopyTo(destination);
        _bufferedRead += count;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _buffer, []));
        (_buffered, _bufferedRead) = (0, 0);
        Interlocked.Exchange(ref _overflow, null)?.Dispose();
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
