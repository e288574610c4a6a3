using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Follow;

/// <summary>Which database follows a replica, and how.</summary>
public sealed record FollowOptions
{
    /// <summary>Path of the followed database. Folders above it are created. Beside it lie <c>-txid</c> and <c>-follow</c>, which tell its
    /// state.</summary>
    /// <remarks>Links and rights are as for <see cref="RestoreOptions.OutputPath"/>; the files beside it get its rights.</remarks>
    public required string OutputPath { get; init; }

    /// <summary>Whether a database that is there is replaced if nothing tells which state of the replica it is.</summary>
    /// <value>False by default: it is an error, since it may be somebody's only copy.</value>
    public bool Overwrite { get; init; }

    /// <summary>As <see cref="RestoreOptions.OverwriteOpen"/>, where the database is replaced and not written to.</summary>
    public bool OverwriteOpen { get; init; }

    /// <summary>How long to wait before looking again when there was nothing new, unless the store tells of something earlier.</summary>
    /// <value>Positive; one second by default.</value>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait after failures, which begins with <see cref="Interval"/> and doubles.</summary>
    /// <value>30 seconds by default.</value>
    public TimeSpan RetryIntervalMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to wait for readers that are in the middle of a transaction. New ones have to wait meanwhile.</summary>
    /// <value>10 seconds by default. After that, readers go first, and it is tried again later.</value>
    public TimeSpan ReaderWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>As <see cref="RestoreOptions.Parallelism"/>, for every restore of the whole database.</summary>
    /// <value>At least 1; <see cref="RestoreOptions.ParallelismDefault"/> by default.</value>
    public int Parallelism { get; init; } = RestoreOptions.ParallelismDefault;

    /// <summary>As <see cref="RestoreOptions.Inspect"/>, for every restore of the whole database.</summary>
    public Func<string, CancellationToken, ValueTask>? Inspect { get; init; }

    /// <summary>Is told how far a restore of the whole database has come. Null for none.</summary>
    public IProgress<RestoreProgress>? Progress { get; init; }

    /// <summary>Is told of each damaged file that other files stand in for. Null for none. Must not throw.</summary>
    public Action<DamagedFile>? OnDamagedFile { get; init; }

    /// <summary>Is told of every failure after which it is tried again. Null for none. Must not throw.</summary>
    public Action<FollowFailure>? OnFailure { get; init; }

    /// <summary>Is told when a round succeeds after failures, also when nothing is new, with how many there were. Null for none. Must not
    /// throw.</summary>
    public Action<int>? OnRecovery { get; init; }
}
