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

    /// <value>In the order of the file.</value>
    public IReadOnlyList<DatabaseConfig> Databases { get; init; } = [];

    /// <value>Keys without effect, one text each.</value>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
