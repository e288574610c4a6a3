using Tidemark.Formats;

namespace Tidemark.Replication.Health;

/// <summary>How the replication of one database stands. A copy of the moment; taking it makes no request and no change.</summary>
public sealed record DatabaseStatus
{
    /// <summary>Path of the database.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>What its replication is doing.</summary>
    public required DatabaseState State { get; init; }

    /// <summary>The newest capture, which is durable in the spool.</summary>
    public required Txid Captured { get; init; }

    /// <summary>When the database was last seen to be captured to its end, or null before the first time.</summary>
    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>The newest failure to capture, or null when there was none since the last success.</summary>
    public FailureStatus? Failure { get; init; }

    /// <summary>What the last audit found, in this run or an earlier one; null before the first.</summary>
    public AuditStatus? Audit { get; init; }

    /// <summary>Why the newest try to audit failed, or null when none did since the last audit.</summary>
    public FailureStatus? AuditFailure { get; init; }

    /// <summary>Size of the WAL file in bytes; 0 when there is none.</summary>
    public required long WalBytes { get; init; }

    /// <summary>What keeps the WAL from starting over, or null when nothing does.</summary>
    public WalPinStatus? Pin { get; init; }

    /// <summary>Size of the captures and images that wait in the spool, in bytes.</summary>
    public required long SpoolBytes { get; init; }

    /// <summary>One for each destination, in the order of the options.</summary>
    public required IReadOnlyList<DestinationStatus> Destinations { get; init; }
}
