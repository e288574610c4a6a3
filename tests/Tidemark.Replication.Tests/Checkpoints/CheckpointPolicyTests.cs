using Tidemark.Replication.Checkpoints;
using Xunit;

namespace Tidemark.Replication.Tests.Checkpoints;

public sealed class CheckpointPolicyTests
{
    private static readonly CheckpointPolicy s_policy = new(1000, TimeSpan.FromMinutes(1));

    [Theory]
    [InlineData(0, 0, 3600, CheckpointAction.None)] // nothing in the WAL
    [InlineData(999, 0, 59, CheckpointAction.None)] // neither grown nor old
    [InlineData(1000, 0, 0, CheckpointAction.Seal)] // grown
    [InlineData(1999, 1000, 59, CheckpointAction.None)] // tried a moment ago; a reader pins it
    [InlineData(2000, 1000, 0, CheckpointAction.Seal)] // as many frames more
    [InlineData(1500, 1000, 60, CheckpointAction.Seal)] // or after the interval
    [InlineData(10, 0, 60, CheckpointAction.Drain)] // short, but old
    [InlineData(10, 10, 3600, CheckpointAction.None)] // drained already
    public void A_checkpoint_is_due_when_the_wal_is_long_or_old(uint frames, uint lastAttempt, int seconds, object expected)
        => Assert.Equal(expected, s_policy.Decide(new CheckpointObservation(frames, lastAttempt, WasIncomplete: false, TimeSpan.FromSeconds(seconds))));

    [Fact]
    public void Without_an_interval_only_the_length_counts()
    {
        var policy = s_policy with { Interval = TimeSpan.Zero };

        Assert.Equal(CheckpointAction.None, policy.Decide(new CheckpointObservation(999, 0, WasIncomplete: false, TimeSpan.FromDays(1))));
        Assert.Equal(CheckpointAction.Seal, policy.Decide(new CheckpointObservation(1000, 0, WasIncomplete: false, TimeSpan.Zero)));
    }

    [Fact]
    public void A_checkpoint_that_a_reader_kept_from_its_end_is_due_again_after_the_interval()
    {
        var seen = new CheckpointObservation(10, 10, WasIncomplete: true, TimeSpan.FromSeconds(59));

        Assert.Equal(CheckpointAction.None, s_policy.Decide(seen));
        Assert.Equal(CheckpointAction.Drain, s_policy.Decide(seen with { SinceLastAttempt = TimeSpan.FromMinutes(1) }));
    }
}
