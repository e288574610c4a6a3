using Tidemark.Formats;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Scheduling;

/// <summary>When a database is audited. Pure.</summary>
internal static class AuditSchedule
{
    /// <summary>Whether an audit is due: at once when one is owed, and else at each multiple of the interval, moved by an offset that every
    /// database has of its own.</summary>
    /// <param name="interval">The interval; zero or less: never.</param>
    /// <param name="lineage">What this writer puts into every file: random, so it spreads databases over the interval.</param>
    /// <param name="last">When the last audit ended, or from when the interval counts before the first.</param>
    /// <param name="isOwed">Whether something has happened after which nobody waits for the interval.</param>
    /// <param name="now">The moment.</param>
    public static bool IsDue(TimeSpan interval, Lineage lineage, DateTimeOffset last, bool isOwed, DateTimeOffset now)
    {
        if (interval <= TimeSpan.Zero)
        {
            return false;
        }

        var offset = new TimeSpan((long)(lineage.Value % (ulong)interval.Ticks));
        return isOwed || MaintenanceClock.IsDue(interval, last - offset, now - offset);
    }

    /// <summary>Whether what stood in the way of a capture is reason enough for an audit.</summary>
    /// <remarks>Not where an application has closed its database, or has gone on with it while nobody replicated it: that happens all the
    /// time, and the capture has compared all pages.</remarks>
    public static bool IsOwedAfter(Discontinuity? found)
        => found is not (null or Discontinuity.WalIsGone or Discontinuity.WalWasRestarted);

    /// <summary>How long to wait after a piece, so that the rate is kept and at least half of the time is left to others.</summary>
    /// <param name="bytesRead">How much the piece read.</param>
    /// <param name="elapsed">How long that took.</param>
    /// <param name="bytesPerSecond">The rate; zero or less: no bound.</param>
    public static TimeSpan PauseAfter(long bytesRead, TimeSpan elapsed, long bytesPerSecond)
    {
        if (bytesPerSecond <= 0)
        {
            return TimeSpan.Zero;
        }

        var rest = TimeSpan.FromSeconds((double)bytesRead / bytesPerSecond) - elapsed;
        return rest > elapsed ? rest : elapsed;
    }
}
