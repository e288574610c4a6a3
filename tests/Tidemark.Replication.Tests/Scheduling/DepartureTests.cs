using Microsoft.Extensions.Time.Testing;
using Tidemark.Replication.Scheduling;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>When a database that nobody else has open is closed.</summary>
public sealed class DepartureTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_first_time_it_is_closed_at_once()
    {
        var departure = new Departure(_time);
        Assert.False(departure.IsDue);
        departure.Note(isUsedByOthers: true);
        Assert.False(departure.IsDue);
        departure.Note(isUsedByOthers: false);
        Assert.True(departure.IsDue);
    }

    [Fact]
    public void Where_others_cannot_be_seen_it_stays_open()
    {
        var departure = new Departure(_time);
        departure.Note(isUsedByOthers: null);
        _time.Advance(TimeSpan.FromDays(2));
        departure.Note(isUsedByOthers: null);
        Assert.False(departure.IsDue);
    }

    [Fact]
    public void Each_comparison_that_a_departure_has_cost_doubles_the_wait_up_to_a_day()
    {
        var departure = new Departure(_time);
        var last = TimeSpan.Zero;
        for (var cost = 0; cost < 30; cost++)
        {
            departure.NoteCost();
            departure.Note(isUsedByOthers: false);
            var wait = TimeSpan.Zero;
            while (!departure.IsDue)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                wait += TimeSpan.FromSeconds(1);
            }

            Assert.True(wait == TimeSpan.FromDays(1) || wait >= 2 * last, $"{wait} after {last}");
            Assert.True(wait <= TimeSpan.FromDays(1));
            last = wait;
        }

        Assert.Equal(TimeSpan.FromDays(1), last);
    }

    [Fact]
    public void An_application_that_comes_back_begins_the_wait_anew()
    {
        var departure = new Departure(_time);
        departure.NoteCost();
        departure.Note(isUsedByOthers: false);
        _time.Advance(TimeSpan.FromMilliseconds(900));
        departure.Note(isUsedByOthers: true);
        departure.Note(isUsedByOthers: false);
        _time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.False(departure.IsDue);
    }
}
