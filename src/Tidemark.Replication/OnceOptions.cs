namespace Tidemark.Replication;

/// <summary>What a single run does beside capturing and shipping.</summary>
public sealed record OnceOptions
{
    /// <summary>Whether every destination gets a snapshot of each database, also where there is one of the same state.</summary>
    /// <value>False by default.</value>
    public bool ForcesSnapshot { get; init; }

    /// <summary>Whether files that no promised restore needs are deleted from the destinations at the end.</summary>
    /// <value>False by default. Without effect on databases whose retention is switched off.</value>
    public bool EnforcesRetention { get; init; }
}
