using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>A store that counts the requests that are made to it.</summary>
internal sealed class CountingStore(IReplicaStore inner) : IReplicaStore
{
    private long _lists;
    private long _others;

    public string Name => inner.Name;

    /// <summary>Listings so far. In a store in a network, each is at least one request, and the dearest.</summary>
    public long Lists => Interlocked.Read(ref _lists);

    /// <summary>All other requests so far.</summary>
    public long Others => Interlocked.Read(ref _others);

    public IAsyncEnumerable<LtxFileInfo> ListAsync(Level level, Txid from, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lists);
        return inner.ListAsync(level, from, cancellationToken);
    }

    public ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
        => Counted().OpenAsync(key, offset, length, cancellationToken);

    public ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => Counted().WriteAsync(key, created, content, cancellationToken);

    public ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => Counted().CreateAsync(key, created, content, cancellationToken);

    public ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken) => Counted().ReadClaimAsync(cancellationToken);

    public ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken) => Counted().WriteClaimAsync(claim, cancellationToken);

    public ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
        => Counted().DeleteAsync(keys, cancellationToken);

    private IReplicaStore Counted()
    {
        Interlocked.Increment(ref _others);
        return inner;
    }
}
