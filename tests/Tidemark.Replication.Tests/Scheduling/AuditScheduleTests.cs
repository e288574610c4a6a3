using Tidemark.Formats;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Scheduling;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

public sealed class AuditScheduleTests
{
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);
    private static readonly DateTimeOffset s_midnight = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Lineage s_atSeven = new((ulong)TimeSpan.FromHours(7).Ticks);

    [Theory]
    [InlineData(0, 6, false)]
    [InlineData(0, 8, true)]
    [InlineData(8, 30, false)]
    [InlineData(8, 32, true)]
    [InlineData(8, 6, true)] // The clock was set back.
    public void An_audit_falls_due_at_the_time_that_a_database_has_of_its_own(int lastHour, int nowHour, bool isDue)
        => Assert.Equal(isDue, AuditSchedule.IsDue(
            s_day, s_atSeven, s_midnight.AddHours(lastHour), isOwed: false, s_midnight.AddHours(nowHour)));

    [Fact]
    public void An_audit_that_is_owed_is_due_at_once()
        => Assert.True(AuditSchedule.IsDue(s_day, s_atSeven, s_midnight, isOwed: true, s_midnight));

    [Fact]
    public void Without_an_interval_none_is_ever_due()
        => Assert.False(AuditSchedule.IsDue(TimeSpan.Zero, s_atSeven, s_midnight, isOwed: true, s_midnight.AddYears(1)));

    [Fact]
    public void Databases_that_begin_together_are_spread_over_the_interval()
    {
        var random = new Random(1);
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        var dueByHour = new int[24];
        for (var i = 0; i < 2400; i++)
        {
            random.NextBytes(bytes);
            var lineage = new Lineage(BitConverter.ToUInt64(bytes));
            dueByHour[Enumerable.Range(0, 24).First(
                hour => AuditSchedule.IsDue(s_day, lineage, s_midnight, isOwed: false, s_midnight.AddHours(hour + 1)))]++;
        }

        Assert.All(dueByHour, due => Assert.InRange(due, 50, 150));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(Discontinuity.WalIsGone, false)]
    [InlineData(Discontinuity.WalWasRestarted, false)]
    [InlineData(Discontinuity.WalWasRewritten, true)]
    [InlineData(Discontinuity.ReplicaIsAhead, true)]
    [InlineData(Discontinuity.AuditFoundDifference, true)]
    public void What_happens_all_the_time_is_no_reason_for_an_audit(Discontinuity? found, bool isOwed)
        => Assert.Equal(isOwed, AuditSchedule.IsOwedAfter(found));

    [Theory]
    [InlineData(10, 0.25, 100, 0.25)] // Slow: half of the time.
    [InlineData(50, 0.1, 100, 0.4)] // Fast: the rate.
    [InlineData(50, 0.1, 0, 0)]
    public void A_pause_keeps_the_rate_and_leaves_half_of_the_time(long bytes, double elapsed, long bytesPerSecond, double pause)
        => Assert.Equal(
            TimeSpan.FromSeconds(pause), AuditSchedule.PauseAfter(bytes, TimeSpan.FromSeconds(elapsed), bytesPerSecond));

    [Fact]
    public void A_turn_has_one_holder_until_he_gives_it_back()
    {
        var turn = new AuditTurn();
        var (first, second) = (new object(), new object());

        Assert.True(turn.TryTake(first));
        Assert.True(turn.TryTake(first));
        Assert.False(turn.TryTake(second));
        turn.GiveBack(second);
        Assert.False(turn.IsFreeFor(second));
        turn.GiveBack(first);
        Assert.True(turn.TryTake(second));
    }
}
