using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Compaction;

/// <summary>A file that is merged with others.</summary>
/// <param name="Store">Where it lies.</param>
/// <param name="Key">Level and name.</param>
internal readonly record struct MergeSource(IReplicaStore Store, LtxFileKey Key)
{
    /// <summary>How errors call it.</summary>
    public string Name => $"{Store.Name}: {Key}";
}
