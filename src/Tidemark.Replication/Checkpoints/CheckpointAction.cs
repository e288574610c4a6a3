namespace Tidemark.Replication.Checkpoints;

/// <summary>What a checkpoint does.</summary>
internal enum CheckpointAction
{
    /// <summary>Nothing is due.</summary>
    None,

    /// <summary>Copy the WAL into the database file while writers go on.</summary>
    Drain,

    /// <summary>Drain, and let the next writer start the WAL over.</summary>
    Seal,
}
