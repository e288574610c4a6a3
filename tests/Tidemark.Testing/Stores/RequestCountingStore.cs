using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Testing.Stores;

/// <summary>Keeps which requests another store got.</summary>
public sealed class RequestCountingStore(IReplicaStore inner) : StoreDecorator(inner)
{
    private readonly Lock _gate = new();
    private readonly List<string> _requests = [];

    /// <summary>Takes the requests since the last time.</summary>
    public IReadOnlyList<string> Take()
    {
        lock (_gate)
        {
            string[] taken = [.. _requests];
            _requests.Clear();
            return taken;
        }
    }

    /// <inheritdoc/>
    public override IAsyncEnumerable<LtxFileInfo> ListAsync(Level level, Txid from, CancellationToken cancellationToken)
    {
        Note($"list {level}");
        return base.ListAsync(level, from, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        Note($"open {key}");
        return base.OpenAsync(key, offset, length, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
    {
        Note($"write {key}");
        return base.WriteAsync(key, created, content, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
    {
        Note($"create {key}");
        return base.CreateAsync(key, created, content, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken)
    {
        Note("read the claim");
        return base.ReadClaimAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
    {
        Note("write the claim");
        return base.WriteClaimAsync(claim, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
    {
        Note($"delete {string.Join(' ', keys)}");
        return base.DeleteAsync(keys, cancellationToken);
    }

    private void Note(string request)
    {
        lock (_gate)
        {
            _requests.Add(request);
        }
    }
}
