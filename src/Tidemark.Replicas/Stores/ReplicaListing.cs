using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Stores;

/// <summary>Reads what there is in a replica.</summary>
public static class ReplicaListing
{
    /// <summary>Lists all levels, from level 0 up; within a level in the order of the store.</summary>
    /// <remarks>
    /// The order matters: compaction writes a file of a higher level before retention deletes its sources, so what has just vanished from
    /// one level is found in a later one. Listed from the top down, a replica that is being compacted could seem to have a hole.
    /// </remarks>
    /// <exception cref="ReplicaStoreException">The store cannot be listed.</exception>
    public static async ValueTask<IReadOnlyList<LtxFileInfo>> ReadAllAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        var files = new List<LtxFileInfo>();
        foreach (var level in Level.All)
        {
            await foreach (var file in store.ListAsync(level, Txid.None, cancellationToken).ConfigureAwait(false))
            {
                files.Add(file);
            }
        }

        return files;
    }
}
