using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Stores;

/// <summary>The store has a file of that name already, and it was to be created, not replaced.</summary>
public sealed class ReplicaFileExistsException : ReplicaStoreException
{
    /// <summary>Names the store and the file.</summary>
    public ReplicaFileExistsException(string store, LtxFileKey key, Exception? innerException = null)
        : base($"{store}: there is a file {key} already.", null, innerException)
        => Key = key;

    /// <summary>The file that is there.</summary>
    public LtxFileKey Key { get; }
}
