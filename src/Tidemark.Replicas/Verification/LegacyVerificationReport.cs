using Tidemark.Formats;
using Tidemark.Replicas.Legacy;
using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Verification;

/// <summary>What a verification of a v0.3 replica has found.</summary>
public sealed record LegacyVerificationReport
{
    /// <summary>The generations, the one that was written to last at the end.</summary>
    public required IReadOnlyList<LegacyGeneration> Generations { get; init; }

    /// <summary>What was noticed.</summary>
    public required IReadOnlyList<LegacyFinding> Findings { get; init; }

    /// <summary>The state that was asked for.</summary>
    public required RestoreTarget Target { get; init; }

    /// <summary>The files that lead to it; null when there are none.</summary>
    public LegacyRestorePlan? Plan { get; init; }

    /// <summary>Size of the database in bytes, if it can be restored.</summary>
    public long DatabaseSizeBytes { get; init; }

    /// <summary>As <see cref="VerifiedState.Unchecked"/>.</summary>
    public IReadOnlyList<string> Unchecked { get; init; } = [];

    /// <summary>Why the state cannot be restored; null when it can.</summary>
    public TidemarkException? Failure { get; init; }

    /// <summary>Whether every file is whole, they follow each other, and the state that was asked for can be restored.</summary>
    public bool IsSound => Failure is null && !Findings.Any(finding => finding.IsProblem);

    /// <summary>Whether everything that was asked for could be looked at.</summary>
    public bool IsComplete => Unchecked.Count == 0;
}
