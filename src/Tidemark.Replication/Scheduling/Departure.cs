namespace Tidemark.Replication.Scheduling;

/// <summary>When to close a database that no other process has open any more.</summary>
/// <remarks>
/// At once, since what people do beside a stopped application must meet a closed database. But an application that opens and closes its
/// database for each request would remove the WAL before it is captured, and each time all pages would be compared. So each time that a
/// departure has cost a comparison, the next one waits twice as long. Not thread-safe.
/// </remarks>
/// <param name="time">The clock.</param>
internal sealed class Departure(TimeProvider time)
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromDays(1);

    private TimeSpan _delay;
    private long? _aloneSince;

    /// <summary>Whether nobody else had the database open at the last look.</summary>
    public bool IsAlone => _aloneSince is not null;

    /// <summary>Whether the database is closed as soon as nobody else has it open.</summary>
    public bool IsAtOnce => _delay == TimeSpan.Zero;

    /// <summary>Whether it is time to close it.</summary>
    public bool IsDue => _aloneSince is { } since && time.GetElapsedTime(since) >= _delay;

    /// <summary>A look at who has the database open.</summary>
    /// <param name="isUsedByOthers">Null when it cannot be told: then it stays open.</param>
    public void Note(bool? isUsedByOthers) => _aloneSince = isUsedByOthers == false ? _aloneSince ?? time.GetTimestamp() : null;

    /// <summary>The last departure has cost a comparison of all pages, or could not be completed.</summary>
    public void NoteCost()
    {
        _delay = _delay < s_delayMin ? s_delayMin : _delay > s_delayMax / 2 ? s_delayMax : _delay * 2;
        _aloneSince = null;
    }
}
