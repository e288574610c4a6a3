using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Stores;

/// <summary>A store that can also hold a replica in Litestream's format of the versions 0.3. It is only read.</summary>
/// <remarks>Failures and thread safety are those of <see cref="IReplicaStore"/>.</remarks>
public interface ILegacyReplicaSource
{
    /// <summary>How messages call this store: its URL without secrets.</summary>
    string Name { get; }

    /// <summary>Lists the files of all generations, in no order. Other names are left out; a store without any is an empty
    /// listing.</summary>
    ValueTask<IReadOnlyList<LegacyFileInfo>> ListLegacyAsync(CancellationToken cancellationToken);

    /// <summary>Opens a file for reading once, compressed as it is.</summary>
    /// <exception cref="ReplicaStoreException">There is no such file, or it cannot be read.</exception>
    ValueTask<Stream> OpenLegacyAsync(LegacyFileKey key, CancellationToken cancellationToken);
}
