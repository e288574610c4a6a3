using Tidemark.Formats;
using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Verification;

/// <summary>A state that was asked for, and whether it can be restored.</summary>
public sealed record VerifiedState
{
    /// <summary>What was asked for.</summary>
    public required RestoreTarget Target { get; init; }

    /// <summary>The files that lead to it; null when there are none.</summary>
    public RestorePlan? Plan { get; init; }

    /// <summary>Size of the database in bytes, if it can be restored.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Whether it was compared with a checksum of the whole database.</summary>
    public bool IsProven { get; init; }

    /// <summary>What <see cref="ScratchDatabase.Inspect"/> could not look at, with the reasons. Empty when it saw everything, or was not
    /// asked.</summary>
    public IReadOnlyList<string> Unchecked { get; init; } = [];

    /// <summary>Why it cannot be restored; null when it can.</summary>
    public TidemarkException? Failure { get; init; }
}
