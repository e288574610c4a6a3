using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Stores;

/// <summary>A store that tells by itself when files have come, so that whoever follows it need not wait for the next look.</summary>
/// <remarks>Notices may be missing: look by yourself from time to time.</remarks>
public interface IReplicaChangeSource
{
    /// <summary>Begins to watch a level. It need not exist yet.</summary>
    IReplicaWatch Watch(Level level);
}
