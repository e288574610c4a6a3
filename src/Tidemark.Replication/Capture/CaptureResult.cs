using Tidemark.Formats;

namespace Tidemark.Replication.Capture;

/// <summary>What one capture did.</summary>
/// <param name="Outcome">In a word.</param>
/// <param name="Txid">The new capture, or the newest one when nothing was captured.</param>
/// <param name="PageCount">Pages in the new file.</param>
/// <param name="Discontinuity">Why pages were compared, if they were.</param>
internal readonly record struct CaptureResult(CaptureOutcome Outcome, Txid Txid, long PageCount = 0, Discontinuity? Discontinuity = null)
{
    /// <summary>True when another capture would find more at once.</summary>
    public bool HasMore { get; init; }
}
