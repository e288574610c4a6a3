namespace Tidemark.Replicas.Restore;

/// <summary>Where a restored database goes, and how.</summary>
public sealed record RestoreOptions
{
    /// <summary>Path of the restored database. Folders above it are created. Where it is a link, what the link leads to.</summary>
    /// <remarks>The database gets the mode and, where permitted, the owner of the file that it replaces, also of an empty one. Where there is
    /// none, it is for the user of the process alone.</remarks>
    public required string OutputPath { get; init; }

    /// <summary>Whether an existing database, with its <c>-wal</c>, <c>-shm</c> and <c>-journal</c>, is replaced.</summary>
    /// <value>False by default: anything but a missing or empty file is an error, and so is a file that SQLite keeps beside a
    /// database.</value>
    public bool Overwrite { get; init; }

    /// <summary>Whether a database is replaced though somebody has it open, who then goes on with the old one: what they write is lost, and
    /// their journal may be played into the new one.</summary>
    /// <value>False by default: then it is an error where it can be seen, which is on Linux. Programs of other users or containers show only
    /// while they hold SQLite's locks: in WAL mode as long as they have the database open, in others during transactions.</value>
    public bool OverwriteOpen { get; init; }

    /// <summary>How many reads of the replica are underway at once, and at most how many cores expand and check pages.</summary>
    /// <value>At least 1; <see cref="ParallelismDefault"/> by default. Each read needs up to 2 MB of memory, and so does each core. Small
    /// databases use fewer.</value>
    public int Parallelism { get; init; } = ParallelismDefault;

    /// <summary>Enough that a store far away does not slow a restore down: the number of the machine's cores, and at least 8.</summary>
    public static int ParallelismDefault { get; } = Math.Max(8, Environment.ProcessorCount);

    /// <summary>
    /// Looks at the finished database, by its temporary path, before it is published; throws to refuse it. Null for none. What it leaves
    /// beside the database under SQLite's names is removed. It must not keep the database open.
    /// </summary>
    public Func<string, CancellationToken, ValueTask>? Inspect { get; init; }

    /// <summary>Is told of each damaged file that other files stand in for. The restore then begins anew, and leads to the same state. Null
    /// for none. Must not throw.</summary>
    public Action<DamagedFile>? OnDamagedFile { get; init; }

    /// <summary>Is told how far the restore has come, about once per megabyte. Null for none.</summary>
    public IProgress<RestoreProgress>? Progress { get; init; }
}
