namespace Tidemark.Cli.Configuration;

/// <summary>A configuration file as far as Tidemark uses it.</summary>
internal sealed record TidemarkConfig
{
    /// <value>The section <c>logging</c>.</value>
    public LoggingConfig Logging { get; init; } = new();

    /// <value>A command to run beside the replication; null for none.</value>
    public string? Exec { get; init; }

    /// <value>For how long the last upload is tried at the end; 0 tries once. 30 seconds by default.</value>
    public TimeSpan ShutdownSyncTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <value>How long to wait between two tries of the last upload. 500 ms by default.</value>
    public TimeSpan ShutdownSyncInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <value>How often each compaction level gathers the files of the level below, from level 1 on; at most 8. 30 seconds, 5 minutes and
    /// 1 hour by default.</value>
    public IReadOnlyList<TimeSpan> CompactionIntervals { get; init; }
        = [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromHours(1)];

    /// <value>How long every single capture can be restored; 0: captures are never deleted. 5 minutes by default.</value>
    public TimeSpan L0Retention { get; init; } = TimeSpan.FromMinutes(5);

    /// <value>How often it is looked whether files can be deleted. 15 seconds by default.</value>
    public TimeSpan L0RetentionCheckInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <value>Whether files that no promised restore needs are deleted from replicas. True by default.</value>
    public bool IsRetentionEnabled { get; init; } = true;

    /// <value>In the order of the file.</value>
    public IReadOnlyList<DatabaseConfig> Databases { get; init; } = [];

    /// <value>What has no effect, or hardly the one that is meant, one text each.</value>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <value>Those of <see cref="Warnings"/> by which a database or replica may lie elsewhere than the file seems to say.</value>
    public IReadOnlyList<string> Doubts { get; init; } = [];
}
