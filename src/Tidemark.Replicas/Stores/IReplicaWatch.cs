namespace Tidemark.Replicas.Stores;

/// <summary>Tells when files have come to a level of a replica. Not thread-safe.</summary>
public interface IReplicaWatch : IDisposable
{
    /// <summary>Waits for what comes after this call. So call it first, then list, and then wait: nothing is missed.</summary>
    /// <returns>Ends when something may have come. It never ends when there are no notices, and after the watch was disposed.</returns>
    Task NextAsync();
}
