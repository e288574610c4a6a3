namespace Tidemark.Replication.Upload;

/// <summary>The content of a file that a store is writing: tells of every read, and ends when nobody waits for the store any more. It does
/// not own the inner stream.</summary>
/// <param name="inner">The content.</param>
/// <param name="whenRead">Called after each read.</param>
internal sealed class WatchedContent(Stream inner, Action whenRead) : Stream
{
    private volatile bool _isAbandoned;

    public override bool CanRead => true;

    public override bool CanSeek => inner.CanSeek;

    public override bool CanWrite => false;

    public override long Length => inner.Length;

    public override long Position { get => inner.Position; set => inner.Position = value; }

    /// <summary>Its owner takes the inner stream back. A write that goes on in spite of that must not get half of something else.</summary>
    public void Abandon() => _isAbandoned = true;

    public override int Read(Span<byte> buffer)
    {
        ThrowIfAbandoned();
        var count = inner.Read(buffer);
        ThrowIfAbandoned();
        whenRead();
        return count;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfAbandoned();
        var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        ThrowIfAbandoned();
        whenRead();
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void ThrowIfAbandoned()
    {
        if (_isAbandoned)
        {
            throw new IOException("Nobody waits for this any more.");
        }
    }
}
