using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Verification;

/// <summary>What to verify in a replica, and how.</summary>
public sealed record VerifyOptions
{
    /// <summary>The states that must be restorable.</summary>
    /// <value>The latest by default.</value>
    public IReadOnlyList<RestoreTarget> Targets { get; init; } = [new RestoreTarget.Latest()];

    /// <summary>Whether the state of every snapshot must be restorable as well.</summary>
    public bool IncludesSnapshots { get; init; }

    /// <summary>How many reads of the replica are underway at once, and at most how many cores expand and check.</summary>
    /// <value>At least 1; <see cref="RestoreOptions.ParallelismDefault"/> by default.</value>
    public int Parallelism { get; init; } = RestoreOptions.ParallelismDefault;

    /// <summary>Where each state is really restored to, looked at, and removed again. Null: nothing is written, and each state is put
    /// together in memory, one checksum a page.</summary>
    public ScratchDatabase? Scratch { get; init; }

    /// <summary>Is told how far the reading has come, about once per megabyte. The total grows with each state that is planned. Null for
    /// none.</summary>
    public IProgress<RestoreProgress>? Progress { get; init; }
}
