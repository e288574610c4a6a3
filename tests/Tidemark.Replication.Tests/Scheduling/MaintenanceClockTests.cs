using Tidemark.Replication.Scheduling;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

public sealed class MaintenanceClockTests
{
    [Theory]
    [InlineData(30)]
    [InlineData(3600)]
    [InlineData(7)]
    public void What_has_run_falls_due_at_the_next_multiple_and_not_before(int seconds)
    {
        var interval = TimeSpan.FromSeconds(seconds);
        var last = new DateTimeOffset(2026, 1, 1, 0, 0, 29, 500, TimeSpan.FromHours(2));

        var next = MaintenanceClock.NextAfter(interval, last);

        Assert.False(MaintenanceClock.IsDue(interval, last, next - TimeSpan.FromTicks(1)));
        Assert.True(MaintenanceClock.IsDue(interval, last, next));
        Assert.True(MaintenanceClock.NextAfter(interval, next) > next);
    }

    [Fact]
    public void An_interval_that_never_ends_has_no_next_multiple()
        => Assert.Equal(DateTimeOffset.MaxValue, MaintenanceClock.NextAfter(TimeSpan.MaxValue, DateTimeOffset.UnixEpoch));
}
