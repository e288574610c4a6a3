namespace Tidemark.Replication.Health;

/// <summary>What the replication of a database is doing.</summary>
public enum DatabaseState
{
    /// <summary>There is no database at the path yet, or it is not known yet what its destinations hold.</summary>
    Waiting,

    /// <summary>Every change is captured.</summary>
    Replicating,

    /// <summary>The last try to capture failed; it is tried again.</summary>
    Failing,

    /// <summary>It has ended.</summary>
    Stopped,
}
