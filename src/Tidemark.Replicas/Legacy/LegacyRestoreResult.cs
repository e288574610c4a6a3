using Tidemark.Formats;

namespace Tidemark.Replicas.Legacy;

/// <summary>What a restore from a v0.3 replica has made.</summary>
public sealed record LegacyRestoreResult
{
    /// <summary>The plan that was carried out.</summary>
    public required LegacyRestorePlan Plan { get; init; }

    /// <summary>Size of the database's pages.</summary>
    public required PageSize PageSize { get; init; }

    /// <summary>Its size in pages.</summary>
    public required uint Pages { get; init; }

    /// <summary>Its size in bytes.</summary>
    public long SizeBytes => (long)Pages * PageSize.Bytes;

    /// <summary>Bytes read from the store.</summary>
    public required long BytesRead { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Elapsed { get; init; }
}
