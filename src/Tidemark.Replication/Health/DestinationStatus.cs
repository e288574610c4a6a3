using Tidemark.Formats;

namespace Tidemark.Replication.Health;

/// <summary>How one destination of a database stands.</summary>
public sealed record DestinationStatus
{
    /// <summary>The destination: its URL without secrets.</summary>
    public required string Destination { get; init; }

    /// <summary>Whether it is known what the destination holds. Before, and after a failure that leaves it in doubt, the TXID is the last one
    /// that was known.</summary>
    public required bool IsKnown { get; init; }

    /// <summary>The newest TXID that the destination holds.</summary>
    public required Txid Shipped { get; init; }

    /// <summary>How many captures it lacks.</summary>
    public required ulong LagTransactions { get; init; }

    /// <summary>For how long the oldest change that it lacks has been captured; zero when it lacks none.</summary>
    public required TimeSpan Lag { get; init; }

    /// <summary>The newest TXID at which the files of the destination were read back and their pages added up to the checksum that was captured;
    /// none before the first time.</summary>
    /// <remarks>That happens whenever a snapshot is composed.</remarks>
    public required Txid Proven { get; init; }

    /// <summary>When something was last shipped, or the destination was last looked at and found to lack nothing; null before the first
    /// time.</summary>
    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>The newest failure to ship, or null when there was none since the last success.</summary>
    public FailureStatus? Failure { get; init; }

    /// <summary>The newest failure of compaction, snapshots or retention, or null when there was none since they last succeeded.</summary>
    public FailureStatus? MaintenanceFailure { get; init; }

    /// <summary>Whether another writer was found there. Nothing more is shipped then.</summary>
    public required bool HasConflict { get; init; }
}
