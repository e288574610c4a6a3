using System.Buffers;

namespace Tidemark.Formats.Ltx;

/// <summary>A piece of a merged file on its way from the merge to the reader. Used again and again.</summary>
internal sealed class LtxMergeBuffer : IDisposable
{
    /// <summary>The most that is appended at once, in bytes; more than any frame.</summary>
    public const int AppendMax = 128 * 1024;

    private const int Size = 256 * 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(Size);
    private int _start;
    private int _end;

    /// <summary>Whether everything was read.</summary>
    public bool IsEmpty => _start == _end;

    /// <summary>Whether as much as can come at once still fits.</summary>
    public bool HasRoom => Size - _end >= AppendMax;

    /// <summary>Room for what comes next.</summary>
    public Span<byte> Room => _bytes.AsSpan(_end, AppendMax);

    /// <summary>Begins anew.</summary>
    public void Clear() => (_start, _end) = (0, 0);

    /// <summary>The first bytes of <see cref="Room"/> were filled.</summary>
    public void Advance(int count) => _end += count;

    /// <summary>Adds bytes at the end.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room);
        Advance(bytes.Length);
    }

    /// <summary>Takes bytes from the beginning.</summary>
    public int Read(Span<byte> destination)
    {
        var count = Math.Min(_end - _start, destination.Length);
        _bytes.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        if (Interlocked.Exchange(ref _bytes, []) is { Length: > 0 } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
