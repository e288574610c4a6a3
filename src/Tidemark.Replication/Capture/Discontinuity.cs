namespace Tidemark.Replication.Capture;

/// <summary>Why the WAL does not continue where the last capture ended.</summary>
public enum Discontinuity
{
    /// <summary>It was restarted while no guard was held, and may have grown before: no look at the files can exclude it.</summary>
    WalWasRestarted,

    /// <summary>It is gone or empty: the last connection of the application closed, or another tool checkpointed, while no guard was
    /// held.</summary>
    WalIsGone,

    /// <summary>It ends before the position: frames were lost in a crash of the machine, or an older copy was put in its place.</summary>
    WalIsShorter,

    /// <summary>Other frames stand where the position points: it lost its end in a crash and was written again, or was damaged.</summary>
    WalWasRewritten,

    /// <summary>The database has another page size now: it was rebuilt or replaced.</summary>
    PageSizeChanged,

    /// <summary>The replica holds newer captures than the spool: an older copy of the database or its spool was put back, or the spool was
    /// lost.</summary>
    ReplicaIsAhead,

    /// <summary>An audit found pages that are not those that were captured, though the WAL continues: somebody wrote the file without
    /// SQLite, or a capture was wrong.</summary>
    AuditFoundDifference,
}
