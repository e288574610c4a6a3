using Tidemark.Formats.Database;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Legacy;

/// <summary>Takes a database that is put together only to see whether that works, and keeps nothing of it but its header.</summary>
internal sealed class FirstBytesFile : IFile
{
    private readonly byte[] _header = new byte[DatabaseHeader.Size];

    /// <inheritdoc/>
    public long Length { get; private set; }

    /// <inheritdoc/>
    public int Read(long offset, Span<byte> destination)
    {
        var available = _header.AsSpan(0, (int)Math.Min(_header.Length, Length));
        var wanted = available[(int)Math.Min(available.Length, offset)..];
        wanted = wanted[..Math.Min(wanted.Length, destination.Length)];
        wanted.CopyTo(destination);
        return wanted.Length;
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        Length = Math.Max(Length, offset + source.Length);
        if (offset < _header.Length)
        {
            source[..(int)Math.Min(source.Length, _header.Length - offset)].CopyTo(_header.AsSpan((int)offset));
        }
    }

    /// <inheritdoc/>
    public void SetLength(long length) => Length = length;

    /// <inheritdoc/>
    public void Sync()
    {
    }

    /// <inheritdoc/>
    public bool TryLockRange(long offset, long length, bool isShared = false) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void UnlockRange(long offset, long length) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
