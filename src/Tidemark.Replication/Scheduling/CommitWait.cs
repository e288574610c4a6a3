using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Scheduling;

/// <summary>When to look again at a WAL that was written to a moment ago.</summary>
/// <remarks>
/// SQLite writes the frames of a transaction, waits for the disk where the application's <c>synchronous</c> says so, and then commits: in
/// shared memory, of which no notice tells. Whoever looks on the notice of the last frame comes too early. So it is looked again, at growing
/// intervals, until the file has rested for as long as a commit may take.
/// </remarks>
/// <param name="delayMin">The first wait after a change, more than zero; each one that follows is twice as long.</param>
/// <param name="delayMax">The longest wait. After it, a commit is left to the sweep.</param>
internal sealed class CommitWait(TimeSpan delayMin, TimeSpan delayMax)
{
    private FileFacts? _seen;
    private TimeSpan _next;

    /// <summary>How long to wait before the next look, or null when there is nothing to wait for.</summary>
    /// <param name="wal">The WAL as it was when the last look began; null when there is none.</param>
    public TimeSpan? Next(FileFacts? wal)
    {
        if (wal != _seen)
        {
            (_seen, _next) = (wal, delayMin);
        }

        if (wal is null || _next > delayMax)
        {
            return null;
        }

        var delay = _next;
        _next *= 2;
        return delay;
    }
}
