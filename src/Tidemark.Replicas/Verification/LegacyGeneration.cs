namespace Tidemark.Replicas.Verification;

/// <summary>What a generation of a v0.3 replica holds.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Snapshots">How many snapshots.</param>
/// <param name="WalFiles">How many parts of WALs.</param>
/// <param name="SizeBytes">Size of all files together.</param>
/// <param name="RestorableStates">How many states can be restored: one for each snapshot, and one for each part of a WAL to which files
/// without a hole or damage lead.</param>
/// <param name="Oldest">When the oldest of them was written; null when there is none.</param>
/// <param name="Newest">When the newest of them was written; null when there is none.</param>
public sealed record LegacyGeneration(
    string Name, int Snapshots, int WalFiles, long SizeBytes, int RestorableStates, DateTimeOffset? Oldest, DateTimeOffset? Newest);
