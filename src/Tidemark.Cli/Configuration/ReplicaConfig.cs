namespace Tidemark.Cli.Configuration;

/// <summary>One destination of a database.</summary>
internal sealed record ReplicaConfig
{
    /// <value>The folder of the replica, absolute.</value>
    public required string Folder { get; init; }

    /// <value>For how long changes are gathered before they are uploaded. 1 second by default.</value>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <value>The key <c>snapshot-interval</c> of Litestream 0.3; null when it is not there, or <c>snapshot.interval</c> is.</value>
    public TimeSpan? FormerSnapshotInterval { get; init; }

    /// <value>The key <c>retention</c> of Litestream 0.3; null when it is not there, or <c>snapshot.retention</c> is.</value>
    public TimeSpan? FormerRetention { get; init; }
}
