using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Stores;

/// <summary>The store has no such file: it was never written, or retention has removed it.</summary>
public sealed class ReplicaFileNotFoundException : ReplicaStoreException
{
    /// <summary>Names the store and the file.</summary>
    public ReplicaFileNotFoundException(string store, LtxFileKey key, Exception? innerException = null)
        : base($"{store}: there is no file {key}.", null, innerException)
        => Key = key;

    /// <summary>The file that is missing.</summary>
    public LtxFileKey Key { get; }
}
