using Tidemark.Formats;
using Tidemark.Formats.Database;

namespace Tidemark.Replicas.Verification;

/// <summary>What a verification has found.</summary>
public sealed record VerificationReport
{
    /// <summary>The levels that hold files, ascending.</summary>
    public required IReadOnlyList<LevelSummary> Levels { get; init; }

    /// <summary>How many states can be restored, damaged files left out.</summary>
    public required int RestorableStates { get; init; }

    /// <summary>The oldest state that can be restored, damaged files left out; null when there is none.</summary>
    public required RestorableState? Oldest { get; init; }

    /// <summary>The newest state that can be restored, damaged files left out; null when there is none.</summary>
    public required RestorableState? Newest { get; init; }

    /// <summary>How many of the states that can be restored have a checksum of the whole database.</summary>
    public required int ProvenStates { get; init; }

    /// <summary>The checksums of the whole database that whole files carry, by the TXID after which it was so.</summary>
    public IReadOnlyDictionary<Txid, DatabaseChecksum> Proofs { get; init; } = new Dictionary<Txid, DatabaseChecksum>();

    /// <summary>Who wrote the files that say so; more than one after a takeover.</summary>
    public required IReadOnlyList<Lineage> Lineages { get; init; }

    /// <summary>The states that were asked for.</summary>
    public required IReadOnlyList<VerifiedState> States { get; init; }

    /// <summary>What was noticed.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>Whether everything that was asked for holds: every file is whole, they fit together, and every state that was asked for can
    /// be restored.</summary>
    public bool IsSound => States.All(state => state.Failure is null) && !Findings.Any(finding => finding.IsProblem);

    /// <summary>Whether everything that was asked for could be looked at.</summary>
    public bool IsComplete => States.All(state => state.Unchecked.Count == 0);

    /// <summary>How many files there are.</summary>
    public int Files => Levels.Sum(level => level.Files);

    /// <summary>Size of all files together.</summary>
    public long SizeBytes => Levels.Sum(level => level.SizeBytes);
}
