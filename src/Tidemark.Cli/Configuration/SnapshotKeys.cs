namespace Tidemark.Cli.Configuration;

/// <summary>What a section <c>snapshot</c> says itself, of the file or of one database.</summary>
/// <param name="Interval">Null when it does not say.</param>
/// <param name="Retention">Null when it does not say.</param>
internal sealed record SnapshotKeys(TimeSpan? Interval, TimeSpan? Retention)
{
    /// <summary>These keys, and for those that are not there the ones of a wider section.</summary>
    public SnapshotKeys Or(SnapshotKeys wider) => new(Interval ?? wider.Interval, Retention ?? wider.Retention);

    /// <summary>These keys, and for those that are not there what Litestream 0.3 had in their place at each replica: the shortest
    /// interval and
    /// the longest retention, since both are a database's now.</summary>
    public SnapshotConfig OrFormer(IReadOnlyList<ReplicaConfig> replicas)
    {
        var initial = new SnapshotConfig();
        return new SnapshotConfig
        {
            Interval = Interval ?? replicas.Min(replica => replica.FormerSnapshotInterval) ?? initial.Interval,
            Retention = Retention ?? replicas.Max(replica => replica.FormerRetention) ?? initial.Retention,
        };
    }
}
