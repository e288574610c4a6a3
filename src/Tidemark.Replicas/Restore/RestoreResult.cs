using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>What a restore has made.</summary>
public sealed record RestoreResult
{
    /// <summary>The plan that was carried out.</summary>
    public required RestorePlan Plan { get; init; }

    /// <summary>The state of the restored database.</summary>
    public Txid Txid => Plan.MaxTxid;

    /// <summary>Size of its pages.</summary>
    public required PageSize PageSize { get; init; }

    /// <summary>Its size in pages.</summary>
    public required uint Pages { get; init; }

    /// <summary>Its size in bytes.</summary>
    public long SizeBytes => (long)Pages * PageSize.Bytes;

    /// <summary>Bytes read from the store for the plan that was carried out.</summary>
    public required long BytesRead { get; init; }

    /// <summary>Whether the newest file carried a checksum of the whole database, which was compared.</summary>
    public required bool IsProven { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Elapsed { get; init; }
}
