namespace Tidemark.Cli.Configuration;

/// <summary>One destination of a database.</summary>
internal sealed record ReplicaConfig
{
    /// <value>The URL of the replica; null when <see cref="Folder"/> says where it is.</value>
    public string? Url { get; init; }

    /// <value>The folder of the replica, absolute; null when <see cref="Url"/> says where it is.</value>
    public string? Folder { get; init; }

    /// <value>For how long changes are gathered before they are uploaded. 1 second by default.</value>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);
}
