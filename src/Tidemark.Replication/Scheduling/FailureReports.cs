namespace Tidemark.Replication.Scheduling;

/// <summary>Which of the failures that follow each other are worth a line in the log: each new one, and now and then one that lasts. The
/// status tells of all of them.</summary>
/// <param name="time">The clock.</param>
internal sealed class FailureReports(TimeProvider time)
{
    private static readonly TimeSpan s_sameEvery = TimeSpan.FromMinutes(5);

    // The text of some failures is never the same, since it names a temporary file.
    private static readonly TimeSpan s_otherEvery = TimeSpan.FromSeconds(5);

    private string? _reported;
    private long _reportedAt;

    /// <summary>Whether to tell of a failure. Whoever asks tells then.</summary>
    public bool IsDue(string reason)
    {
        if (_reported is not null && time.GetElapsedTime(_reportedAt) < (reason == _reported ? s_sameEvery : s_otherEvery))
        {
            return false;
        }

        (_reported, _reportedAt) = (reason, time.GetTimestamp());
        return true;
    }

    /// <summary>It works again: the next failure is a new one.</summary>
    public void Reset() => _reported = null;
}
