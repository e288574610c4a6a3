namespace Tidemark.Cli.Configuration;

/// <summary>The section <c>snapshot</c>, of the file or of one database.</summary>
internal sealed record SnapshotConfig
{
    /// <value>How often a snapshot is made of a database that changed. 24 hours by default.</value>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(24);

    /// <value>How far back a moment can be restored. 24 hours by default.</value>
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(24);
}
