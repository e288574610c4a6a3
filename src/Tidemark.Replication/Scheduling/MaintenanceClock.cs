namespace Tidemark.Replication.Scheduling;

/// <summary>When work that recurs falls due: at the first look, and then at each multiple of its interval, counted from the year 1 (UTC), as
/// the original counts. Pure.</summary>
internal static class MaintenanceClock
{
    /// <summary>Whether a multiple lies between two moments. A clock that was set back counts as one, so that nothing waits for the old time
    /// to come again.</summary>
    /// <param name="interval">More than zero.</param>
    /// <param name="last">The last run, or null before the first.</param>
    /// <param name="now">The moment.</param>
    public static bool IsDue(TimeSpan interval, DateTimeOffset? last, DateTimeOffset now)
        => last is not { } known || known.UtcTicks / interval.Ticks != now.UtcTicks / interval.Ticks;
}
