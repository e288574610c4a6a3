using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Checkpoints;

/// <summary>What a checkpoint did.</summary>
/// <param name="Action">What was due.</param>
/// <param name="Progress">What the last PASSIVE checkpoint copied.</param>
/// <param name="IsPinned">Whether a reader pins an old part of the WAL, which therefore cannot start over.</param>
/// <param name="IsSealed">Whether the next writer starts the WAL over.</param>
/// <param name="WriteLockHeld">How long writers had to wait for the seal.</param>
internal readonly record struct CheckpointResult(
    CheckpointAction Action,
    CheckpointProgress Progress,
    bool IsPinned,
    bool IsSealed,
    TimeSpan WriteLockHeld);
