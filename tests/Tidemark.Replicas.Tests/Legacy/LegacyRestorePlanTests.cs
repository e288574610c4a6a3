using Tidemark.Replicas.Legacy;
using Tidemark.Replicas.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Legacy;

public sealed class LegacyRestorePlanTests
{
    private const string TwoGenerations
        = "b:0@1 b:0+0@2 b:0+100@3 b:1+0@4 b:1@6 b:1+100@7 b:2+0@8 a:0@20 a:0+0@21 a:0+100@22";

    [Fact]
    public void The_latest_state_is_that_of_the_generation_that_was_written_to_last()
        => Assert.Equal("a:0 a:0+0 a:0+100", Plan(TwoGenerations));

    [Theory]
    [InlineData(1, "b:0")]
    [InlineData(3, "b:0 b:0+0 b:0+100")] // written at that moment: it counts
    [InlineData(5, "b:0 b:0+0 b:0+100 b:1+0")]
    [InlineData(6, "b:1 b:1+0")]
    [InlineData(8, "b:1 b:1+0 b:1+100 b:2+0")]
    [InlineData(15, "b:1 b:1+0 b:1+100 b:2+0")]
    [InlineData(21, "a:0 a:0+0")]
    [InlineData(99, "a:0 a:0+0 a:0+100")]
    public void A_moment_is_the_state_of_everything_written_until_then(int seconds, string expected)
        => Assert.Equal(expected, Plan(TwoGenerations, seconds));

    [Fact]
    public void Offsets_beyond_4_GiB_come_after_smaller_ones()
        => Assert.Equal("a:0 a:0+0 a:0+ffffff00 a:0+100000000", Plan("a:0@1 a:0+100000000@4 a:0+ffffff00@3 a:0+0@2"));

    [Fact]
    public void A_part_that_is_too_young_ends_the_plan_even_when_an_older_one_follows()
        => Assert.Equal("a:0 a:0+0", Plan("a:0@1 a:0+0@2 a:0+100@9 a:0+200@4", 5));

    [Theory]
    [InlineData("a:0@1 a:0+100@2", "bytes 00000000 to 00000100", 1)]
    [InlineData("a:0@1 a:0+0@2 a:1+100@3", "bytes 00000000 to 00000100", 2)]
    [InlineData("a:0@1 a:0+0@2 a:2+0@3", "the WAL of index 00000001 is missing", 2)]
    [InlineData("a:1@1 a:2+0@2", "the WAL of index 00000001 is missing", 1)]
    public void A_hole_is_an_error_that_tells_what_is_left(string files, string message, int secondsOfHint)
    {
        var failure = Assert.Throws<LegacyReplicaException>(() => Plan(files));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.Contains($"-timestamp {RestoreTarget.TextOf(LegacyListing.TimeOf(secondsOfHint))}", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("b:0@1 b:0+0@50 b:1+0@4 a:0@20 a:0+0@21")]
    [InlineData("b:0@50 b:0+0@2 b:1+0@4 a:0@20 a:0+0@21")]
    [InlineData("b:0@1 b:0+0@50 b:0+100@4 a:0@20")]
    [InlineData("b:0@1 b:0+0@50 b:0+100@4 a:0@20", 60)]
    public void Times_that_contradict_the_order_of_a_wal_are_an_error_where_they_choose_a_generation(string files, int? seconds = null)
    {
        var failure = Assert.Throws<LegacyReplicaException>(() => Plan(files, seconds));
        Assert.Contains("nothing tells which generation is the newest", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("b:0@1 b:0+0@50 b:1+0@4")] // There is no other generation.
    [InlineData("b:0@50 b:0+0@2 a:0@20")] // A snapshot may be written after the beginning of its WAL.
    public void Times_that_contradict_no_order_or_choose_nothing_are_no_matter(string files)
        => Assert.StartsWith("b:0 b:0+0", Plan(files), StringComparison.Ordinal);

    [Fact]
    public void Times_that_contradict_but_are_too_young_for_the_moment_are_no_matter()
        => Assert.Equal("a:0", Plan("b:0@1 b:0+0@50 b:1+0@4 a:0@20", 30));

    [Fact]
    public void A_generation_without_snapshot_is_an_error_and_no_reason_to_restore_an_older_one()
    {
        var failure = Assert.Throws<LegacyReplicaException>(() => Plan("b:0@1 b:0+0@2 a:0+0@4"));
        Assert.Contains("aaaaaaaaaaaaaaaa", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"-timestamp {RestoreTarget.TextOf(LegacyListing.TimeOf(2))}", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_that_is_old_enough_is_no_backup()
    {
        Assert.Throws<NoMatchingBackupException>(() => Plan(TwoGenerations, 0));
        Assert.Throws<NoMatchingBackupException>(() => LegacyRestorePlan.From([], new RestoreTarget.Latest()));
    }

    [Fact]
    public void Damage_of_a_snapshot_is_mended_by_an_older_one_that_leads_to_the_same_state()
    {
        var plan = LegacyRestorePlan.From(LegacyListing.Parse("a:0@1 a:0+0@2 a:1@4 a:1+0@3 a:1+100@5"), new RestoreTarget.Latest());
        Assert.Contains("the snapshot of index 00000000", plan.HintWithout(plan.Snapshot.Key), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0:1-5@10", "a:0@9", null, ReplicaFormat.Ltx)]
    [InlineData("0:1-5@10", "a:0@10", null, ReplicaFormat.Ltx)]
    [InlineData("0:1-5@10", "a:0@11", null, ReplicaFormat.Legacy)]
    [InlineData("0:1-5@10 0:6-6@12", "a:0@5 a:0+0@11", 12, ReplicaFormat.Legacy)]
    [InlineData("0:1-5@10 0:6-6@12", "a:0@5 a:0+0@11", 13, ReplicaFormat.Ltx)]
    [InlineData("0:1-5@10", "a:0@5", 10, ReplicaFormat.Legacy)]
    public void Of_two_formats_the_one_with_the_newest_state_is_chosen(string ltx, string legacy, int? seconds, ReplicaFormat expected)
    {
        RestoreTarget target = seconds is { } moment ? new RestoreTarget.Before(LegacyListing.TimeOf(moment)) : new RestoreTarget.Latest();
        Assert.Equal(
            expected, ReplicaFormatChoice.Between(Restore.Listing.Parse(ltx), LegacyListing.Parse(legacy), target));
    }

    private static string Plan(string files, int? seconds = null)
    {
        RestoreTarget target = seconds is { } moment ? new RestoreTarget.Before(LegacyListing.TimeOf(moment)) : new RestoreTarget.Latest();
        var listed = LegacyListing.Parse(files);
        new Random(1).Shuffle(listed);
        return LegacyListing.Text(LegacyRestorePlan.From(listed, target).Files);
    }
}
