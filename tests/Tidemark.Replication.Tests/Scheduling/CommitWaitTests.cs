using Tidemark.Replicas.Files;
using Tidemark.Replication.Scheduling;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

public sealed class CommitWaitTests
{
    private static readonly FileFacts s_wal = new(1000, DateTimeOffset.UnixEpoch);

    private readonly CommitWait _wait = new(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(20));

    [Fact]
    public void A_changed_wal_is_looked_at_at_growing_intervals_and_then_left_alone()
    {
        Assert.Equal([5, 10, 20, null, null], Enumerable.Range(0, 5).Select(_ => Next(s_wal)));
    }

    [Fact]
    public void Every_change_begins_anew()
    {
        _ = Next(s_wal);
        _ = Next(s_wal);

        Assert.Equal(5, Next(s_wal with { SizeBytes = 2000 }));
        Assert.Equal(5, Next(s_wal with { Modified = DateTimeOffset.UnixEpoch.AddTicks(1) }));
    }

    [Fact]
    public void There_is_nothing_to_wait_for_without_a_wal() => Assert.Null(Next(null));

    private double? Next(FileFacts? wal) => _wait.Next(wal)?.TotalMilliseconds;
}
