using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>Opens the store that a URL names.</summary>
public static class ReplicaStores
{
    /// <summary>Opens a store. Nothing is connected to, created or read yet.</summary>
    /// <param name="url">Where the replica lies, or the path of its folder; see <see cref="StoreUrl"/>.</param>
    /// <param name="files">The files of this machine.</param>
    /// <param name="time">The clock, for stores that sign and time their requests.</param>
    /// <exception cref="StoreUrlException">The URL names no store that Tidemark has.</exception>
    public static IReplicaStore Open(string url, IFileSystem files, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return new LocalStore(ReplicaPlace.Find(url, files).Folder, files);
    }
}
