namespace Tidemark.Replicas.Legacy;

/// <summary>In which of the two formats a place holds the newest state, where it holds both.</summary>
public enum ReplicaFormat
{
    /// <summary>LTX files: Litestream since 0.5, and Tidemark.</summary>
    Ltx,

    /// <summary>Snapshots and WALs: Litestream 0.3.</summary>
    Legacy,
}
