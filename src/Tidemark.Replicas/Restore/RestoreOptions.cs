namespace Tidemark.Replicas.Restore;

/// <summary>Where a restored database goes, and how.</summary>
public sealed record RestoreOptions
{
    /// <summary>Path of the restored database. Folders above it are created.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Whether an existing database, with its <c>-wal</c>, <c>-shm</c> and <c>-journal</c>, is replaced.</summary>
    /// <value>False by default: anything but a missing or empty file is an error, and so is a file that SQLite keeps beside a
    /// database.</value>
    public bool Overwrite { get; init; }

    /// <summary>How many cores expand and check pages.</summary>
    /// <value>At least 1; the number of the machine's cores by default. Small databases use fewer.</value>
    public int Parallelism { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Looks at the finished database, by its temporary path, before it is published; throws to refuse it. Null for none. What it leaves
    /// beside the database under SQLite's names is removed. It must not keep the database open.
    /// </summary>
    public Func<string, CancellationToken, ValueTask>? Inspect { get; init; }

    /// <summary>Is told how far the restore has come, about once per megabyte. Null for none.</summary>
    public IProgress<RestoreProgress>? Progress { get; init; }
}
