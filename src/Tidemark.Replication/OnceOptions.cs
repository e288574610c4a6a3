namespace Tidemark.Replication;

/// <summary>What <see cref="Replicator.RunOnceAsync(OnceOptions, CancellationToken)"/> does beside capturing and shipping.</summary>
public sealed record OnceOptions
{
    /// <summary>Whether every destination gets a snapshot of the newest state, also where none is due. One that is there already stays.</summary>
    /// <value>False by default.</value>
    public bool ForcesSnapshot { get; init; }

    /// <summary>Whether the whole database is read and compared with what was captured. Pages that differ are captured and shipped, and the
    /// run fails, since what was there before it was not right.</summary>
    /// <value>False by default.</value>
    public bool Audits { get; init; }

    /// <summary>Whether files that no promised restore needs are deleted from the destinations.</summary>
    /// <value>False by default. Without effect on databases whose retention is switched off.</value>
    public bool EnforcesRetention { get; init; }
}
