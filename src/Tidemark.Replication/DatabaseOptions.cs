using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication;

/// <summary>One database and where it is replicated to.</summary>
public sealed record DatabaseOptions
{
    /// <summary>Path of the database file. It need not exist yet.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>The destinations, at least one. Each has its own position; a slow one holds back nobody else.</summary>
    public required IReadOnlyList<IReplicaStore> Destinations { get; init; }

    /// <summary>Folder of the spool.</summary>
    /// <value>Null, the default, is <c>.NAME-tidemark</c> beside the database, or an existing <c>.NAME-litestream</c>.</value>
    public string? SpoolPath { get; init; }

    /// <summary>Where the spool of a database lies unless <see cref="SpoolPath"/> names another folder.</summary>
    public static string DefaultSpoolPath(string databasePath, IFileSystem files) => Spool.DefaultPath(files, databasePath);

    /// <summary>How long changes are gathered into one capture while the database is busy. The first change of a quiet database is captured
    /// at once.</summary>
    /// <value>Zero or more; 1 second by default.</value>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the WAL is looked at where the file system gives no notice of changes.</summary>
    /// <value>More than zero; 1 second by default.</value>
    public TimeSpan MonitorInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>After how long a WAL that is still short is copied into the database file.</summary>
    /// <value>1 minute by default; zero or less: never.</value>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>By how many pages the WAL grows before it is copied into the database file and started over.</summary>
    /// <value>At least 1; 1,000 by default.</value>
    public int CheckpointPages { get; init; } = 1000;

    /// <summary>After how many bytes of WAL a capture ends at the next commit, which bounds its memory and the size of its file.</summary>
    /// <value>64 MiB by default; zero: no bound.</value>
    public long CaptureBytesMax { get; init; } = 64 << 20;

    /// <summary>How many bytes of captures the spool keeps for destinations that do not have them yet. Beyond, the oldest are dropped, and a
    /// destination that misses them goes on from a full image.</summary>
    /// <value>1 GiB by default, and never less than twice the size of the database, since a full image costs no less; zero: no
    /// bound.</value>
    public long SpoolBytesMax { get; init; } = 1L << 30;

    /// <summary>How often each compaction level gathers the files of the level below: the first entry is that of level 1.</summary>
    /// <value>At most eight, each more than zero; 30 seconds, 5 minutes and 1 hour by default. Runs fall on multiples of the interval, counted
    /// from the year 1 (UTC).</value>
    public IReadOnlyList<TimeSpan> CompactionIntervals { get; init; }
        = [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromHours(1)];

    /// <summary>How often a snapshot is made of a database that changed.</summary>
    /// <value>More than zero; 24 hours by default. Runs fall on multiples, as with levels.</value>
    public TimeSpan SnapshotInterval { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How far back a moment can be restored.</summary>
    /// <value>More than zero; 24 hours by default.</value>
    public TimeSpan SnapshotRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long every single capture can be restored, and with it how long a running restore finds the files of its plan.</summary>
    /// <value>5 minutes by default; zero: captures are never deleted.</value>
    public TimeSpan L0Retention { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often it is looked whether files can be deleted.</summary>
    /// <value>More than zero; 15 seconds by default.</value>
    public TimeSpan L0RetentionCheckInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether files that no promised restore needs are deleted from the destinations.</summary>
    /// <value>True by default. False where something else deletes them, such as a rule of the store, or nothing may.</value>
    public bool IsRetentionEnabled { get; init; } = true;

    /// <summary>How long two writers to one destination may go on before they know of each other: before something is written, it is asked
    /// who writes there if the last answer is older.</summary>
    /// <value>More than zero; 30 seconds by default. A database that does not change asks nothing.</value>
    public TimeSpan ClaimCheckInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a destination that has lost what it held, all of it or the newest part, is gone on with from what is there.</summary>
    /// <value>False by default: such a destination is an error, since it may be a disk that is not mounted. For one run.</value>
    public bool RefillsDestinations { get; init; }

    /// <summary>Whether a destination is taken over from a writer that is not known to be gone, or from the history of another
    /// database.</summary>
    /// <value>False by default: such a destination is an error. For one run.</value>
    public bool TakesOverDestinations { get; init; }

    /// <summary>How often the live database is read and compared with what was captured: its audit.</summary>
    /// <value>24 hours by default; zero or less: only on demand. Each database has a time of its own within the interval. After an end that
    /// was not in order, or after other pages were found than those that were captured, an audit comes at once.</value>
    public TimeSpan AuditInterval { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How fast an audit reads at most. All databases of a run share it, since only one at a time is audited by the clock.</summary>
    /// <value>64 MiB a second by default, and at most half of the time; zero or less: no bound.</value>
    public long AuditBytesPerSecond { get; init; } = 64 << 20;

    /// <summary>How long SQLite waits for a lock on the database.</summary>
    /// <value>1 second by default.</value>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether nothing else in this process uses the database. Then one that no other process has open is closed, so that its files
    /// can be copied, replaced and deleted as if it were not replicated; and it costs no handle.</summary>
    /// <value>False by default: connections of the same process cannot be seen, so the database stays open.</value>
    public bool HasProcessToItself { get; init; }

    /// <summary>How long a shutdown tries to ship what was captured.</summary>
    /// <value>30 seconds by default; zero: one try.</value>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a shutdown waits between two tries.</summary>
    /// <value>More than zero; 500 milliseconds by default.</value>
    public TimeSpan ShutdownRetryInterval { get; init; } = TimeSpan.FromMilliseconds(500);
}
