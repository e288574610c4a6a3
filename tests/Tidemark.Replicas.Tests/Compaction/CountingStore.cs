using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Tests.Compaction;

/// <summary>Counts the streams that are open, and keeps which files were opened.</summary>
internal sealed class CountingStore(IReplicaStore inner) : IReplicaStore
{
    private int _open;

    /// <summary>Streams that are open now.</summary>
    public int Open => _open;

    /// <summary>The most that were open at once.</summary>
    public int OpenMax { get; private set; }

    /// <summary>Every file that was opened.</summary>
    public List<LtxFileKey> Opened { get; } = [];

    /// <summary>How a write fails whose content fails, or null when it fails as the content does.</summary>
    public Exception? WriteFailure { get; set; }

    public string Name => inner.Name;

    public IAsyncEnumerable<LtxFileInfo> ListAsync(Level level, Txid from, CancellationToken cancellationToken)
        => inner.ListAsync(level, from, cancellationToken);

    public async ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        var stream = await inner.OpenAsync(key, offset, length, cancellationToken);
        Opened.Add(key);
        OpenMax = Math.Max(OpenMax, Interlocked.Increment(ref _open));
        var bytes = new MemoryStream();
        await using (stream)
        {
            await stream.CopyToAsync(bytes, cancellationToken);
        }

        return new CountedStream(bytes.ToArray(), () => Interlocked.Decrement(ref _open));
    }

    public ValueTask<LtxFileInfo> WriteAsync(LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => inner.WriteAsync(key, created, content, cancellationToken);

    public async ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
    {
        try
        {
            return await inner.CreateAsync(key, created, content, cancellationToken);
        }
        catch (TidemarkException) when (WriteFailure is not null)
        {
            throw WriteFailure;
        }
    }

    public ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken) => inner.ReadClaimAsync(cancellationToken);

    public ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
        => inner.WriteClaimAsync(claim, cancellationToken);

    public ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
        => inner.DeleteAsync(keys, cancellationToken);

    private sealed class CountedStream(byte[] content, Action closed) : MemoryStream(content, writable: false)
    {
        private Action? _closed = closed;

        protected override void Dispose(bool disposing)
        {
            Interlocked.Exchange(ref _closed, null)?.Invoke();
            base.Dispose(disposing);
        }
    }
}
