using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Retention;

/// <summary>How old files are by the time that was seen to pass. A wall clock that jumps ahead makes everything old at once.</summary>
/// <remarks>
/// <para>A leap is time that passed by the wall clock alone: between the newest file that was there at the start and the start, or in the
/// run beyond what a clock that nobody can set has counted. Files from before a leap are that much younger than the wall clock says. What came
/// after it ages as usual, so a clock that is corrected holds up nothing. A clock that is set back takes leaps back, newest first.</para>
/// <para>A long stop and a suspended machine look the same as a clock that jumped, and are treated the same: deleted is later, not
/// earlier. Whether an earlier run has already trusted a wrong clock is not known.</para>
/// <para>Not thread-safe. Reads no clock.</para>
/// </remarks>
/// <param name="start">The wall clock at the start.</param>
public sealed class WitnessedTime(DateTimeOffset start)
{
    // Clocks are slewed, and two clocks are never read at the same moment.
    private static readonly TimeSpan s_tolerance = TimeSpan.FromMinutes(1);

    private readonly DateTimeOffset _start = start;
    private readonly List<Leap> _leaps = [];
    private DateTimeOffset _expected = start;
    private TimeSpan _seen;
    private bool _hasBegun;

    /// <summary>All leaps together.</summary>
    public TimeSpan NotBelieved => _leaps.Aggregate(TimeSpan.Zero, (sum, leap) => sum + leap.Length);

    /// <summary>Looks at the clocks.</summary>
    /// <param name="files">What the replica holds. The first call takes the newest file from before the start as the last moment that was
    /// seen before it.</param>
    /// <param name="now">The wall clock.</param>
    /// <param name="elapsed">What has passed since the start by a clock that nobody can set.</param>
    public void See(IReadOnlyList<LtxFileInfo> files, DateTimeOffset now, TimeSpan elapsed)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            var last = files.Where(file => file.Created <= _start).Select(file => (DateTimeOffset?)file.Created).Max();
            Note(last ?? _start, _start);
        }

        _expected += elapsed - _seen;
        _seen = elapsed;
        if (Note(_expected, now))
        {
            _expected = now;
        }
    }

    /// <summary>The files with times that tell their age by now.</summary>
    public IReadOnlyList<LtxFileInfo> Age(IReadOnlyList<LtxFileInfo> files)
        => _leaps is [] ? files : [.. files.Select(file => file with { Created = Age(file.Created) })];

    private DateTimeOffset Age(DateTimeOffset created)
    {
        foreach (var leap in _leaps)
        {
            created = created <= leap.From ? FileAge.Reaches(created, leap.Length) : created;
        }

        return created;
    }

    // Whether the two differ by more than clocks do.
    private bool Note(DateTimeOffset expected, DateTimeOffset now)
    {
        var length = now - expected;
        if (length.Duration() < s_tolerance)
        {
            return false;
        }

        if (length > TimeSpan.Zero)
        {
            _leaps.Add(new Leap(expected, length));
            return true;
        }

        for (var back = -length; back > TimeSpan.Zero && _leaps is [.., var newest];)
        {
            _leaps.RemoveAt(_leaps.Count - 1);
            if (newest.Length > back)
            {
                _leaps.Add(newest with { Length = newest.Length - back });
            }

            back -= newest.Length;
        }

        return true;
    }

    /// <summary>Time that nobody saw pass.</summary>
    /// <param name="From">When it began, by the wall clock as it went until then.</param>
    /// <param name="Length">By how much the wall clock went ahead.</param>
    private readonly record struct Leap(DateTimeOffset From, TimeSpan Length);
}
