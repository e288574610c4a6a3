namespace Tidemark.Replication;

/// <summary>What <see cref="Replicator.RunOnceAsync(OnceOptions, CancellationToken)"/> does beside capturing and shipping.</summary>
public sealed record OnceOptions
{
    /// <summary>Whether a snapshot is written to every destination, also where the newest one is not due yet.</summary>
    /// <value>False by default.</value>
    public bool ForcesSnapshot { get; init; }

    /// <summary>Whether files that no promised restore needs are deleted from the destinations.</summary>
    /// <value>False by default.</value>
    public bool EnforcesRetention { get; init; }
}
