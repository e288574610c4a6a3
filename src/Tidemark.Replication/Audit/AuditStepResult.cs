using Tidemark.Formats;

namespace Tidemark.Replication.Audit;

/// <summary>What one piece of an audit did.</summary>
/// <param name="Outcome">In a word.</param>
/// <param name="Txid">The capture that the piece was compared with.</param>
/// <param name="PageCount">How many pages were compared.</param>
/// <param name="BytesRead">How much that was.</param>
internal readonly record struct AuditStepResult(AuditStepOutcome Outcome, Txid Txid = default, long PageCount = 0, long BytesRead = 0)
{
    /// <summary>How many pages of the whole database differ.</summary>
    public long DifferentPages { get; init; }

    /// <summary>The first of them; empty where it is not known which they are.</summary>
    public IReadOnlyList<uint> FirstDifferent { get; init; } = [];
}
