namespace Tidemark.Cli.Configuration;

/// <summary>One entry of <c>dbs</c>.</summary>
internal sealed record DatabaseConfig
{
    /// <summary>How often a database is audited unless a file says otherwise.</summary>
    public static TimeSpan AuditIntervalDefault { get; } = TimeSpan.FromHours(24);

    /// <value>Absolute path of the database file.</value>
    public required string Path { get; init; }

    /// <value>The spool; null for the default beside the database.</value>
    public string? MetaPath { get; init; }

    /// <value>How often an idle database is looked at. 1 second by default.</value>
    public TimeSpan MonitorInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <value>How long a WAL may stay without a checkpoint; zero or less: for ever. 1 minute by default.</value>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <value>How long a lock is waited for. 1 second by default.</value>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <value>WAL pages after which a checkpoint runs; at least 1. 1000 by default.</value>
    public int MinCheckpointPageCount { get; init; } = 1000;

    /// <value>Bytes of the WAL that one capture takes; 0 for no bound. 64 MiB by default.</value>
    public long MaxSyncWalBytes { get; init; } = 64 * 1024 * 1024;

    /// <value>Bytes of captures that the spool keeps for destinations that do not have them yet; 0 for no bound. 1 GiB by default.</value>
    public long MaxSpoolBytes { get; init; } = 1L << 30;

    /// <value>Those of the file unless the database has its own.</value>
    public SnapshotConfig Snapshot { get; init; } = new();
    /// <value>How old an answer may be that says that nobody else writes to a destination. 30 seconds by default.</value>
    public TimeSpan ClaimCheckInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <value>How often the live database is compared with what was captured; 0: only on demand. That of the file unless the database has its
    /// own; 24 hours by default.</value>
    public TimeSpan AuditInterval { get; init; } = AuditIntervalDefault;

    /// <value>Whether a missing database is restored before replication begins.</value>
    public bool IsRestoredIfMissing { get; init; }

    /// <value>At least one.</value>
    public required IReadOnlyList<ReplicaConfig> Replicas { get; init; }
}
