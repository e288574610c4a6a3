using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Testing.Stores;

/// <summary>Passes every call on to another store. A double overrides what it does differently.</summary>
/// <param name="inner">Where the files are.</param>
public abstract class StoreDecorator(IReplicaStore inner) : IReplicaStore
{
    /// <inheritdoc/>
    public virtual string Name => inner.Name;

    /// <summary>Where the files are.</summary>
    protected IReplicaStore Inner => inner;

    /// <inheritdoc/>
    public virtual IAsyncEnumerable<LtxFileInfo> ListAsync(Level level, Txid from, CancellationToken cancellationToken)
        => inner.ListAsync(level, from, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
        => inner.OpenAsync(key, offset, length, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => inner.WriteAsync(key, created, content, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => inner.CreateAsync(key, created, content, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken) => inner.ReadClaimAsync(cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
        => inner.WriteClaimAsync(claim, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
        => inner.DeleteAsync(keys, cancellationToken);
}
