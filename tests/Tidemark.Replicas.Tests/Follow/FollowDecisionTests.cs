using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Tests.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

/// <summary>Files as <c>level:min-max</c> of 1000 bytes each, unless a size is given.</summary>
public sealed class FollowDecisionTests
{
    [Theory]
    [InlineData(5, "0:6-6 0:7-7", "0:6-6 0:7-7")]
    [InlineData(5, "0:5-5 0:6-6 9:1-4", "0:6-6")] // Newer than the newest snapshot: the normal case.
    [InlineData(5, "1:1-4 1:5-9 0:10-10", "1:5-9 0:10-10")] // Level 0 was removed; the file overlaps the position.
    [InlineData(5, "2:1-12 1:13-14 0:14-14", "2:1-12 1:13-14")] // Level 1 was removed.
    [InlineData(5, "1:6-9 0:6-6 0:7-7 0:8-8 0:9-9 0:10-10", "1:6-9 0:10-10")] // Fewer bytes.
    [InlineData(5, "3:1-9 2:4-9 0:8-8", "3:1-9")] // Of equals, the higher level.
    [InlineData(5, "0:6-6 0:8-8", "0:6-6")] // Up to a hole.
    [InlineData(5, "0:6-8 0:7-7 0:8-8 0:9-9", "0:6-8 0:9-9")] // A full image of several TXIDs.
    public void The_cheapest_files_that_continue_the_position_are_applied(ulong position, string files, string expected)
        => Assert.Equal(expected, Listing.Text(Assert.IsType<FollowDecision.Apply>(Decide(position, files)).Chain.Files));

    [Theory]
    [InlineData(5, "0:7-7 9:1-7", FollowReason.HistoryPruned)]
    [InlineData(5, "9:1-9", FollowReason.HistoryPruned)] // Only a newer snapshot.
    [InlineData(5, "0:1-1 0:2-2 9:1-2", FollowReason.ReplicaIsBehind)]
    [InlineData(5, "", FollowReason.ReplicaIsBehind)]
    public void Where_nothing_continues_the_position_the_newest_state_is_restored(ulong position, string files, FollowReason reason)
        => Assert.Equal(new FollowDecision.RestoreAgain(reason), Decide(position, files));

    [Theory]
    [InlineData(5, "0:5-5")]
    [InlineData(5, "2:1-5 9:1-3")]
    [InlineData(5, "9:1-5")]
    public void Where_nothing_is_newer_nothing_is_done(ulong position, string files)
        => Assert.IsType<FollowDecision.Idle>(Decide(position, files));

    [Fact]
    public void A_database_that_is_not_there_is_restored()
        => Assert.IsType<FollowDecision.Restore>(Decide(0, "0:1-1", OutputKnowledge.Missing));

    [Fact]
    public void A_database_of_which_nothing_is_known_is_left_alone_unless_it_may_be_overwritten()
    {
        Assert.IsType<FollowDecision.RefuseOutput>(Decide(0, "0:1-1", OutputKnowledge.Foreign));
        Assert.IsType<FollowDecision.Restore>(Decide(0, "0:1-1", OutputKnowledge.Foreign, mayOverwrite: true));
    }

    [Fact]
    public void A_database_that_somebody_has_changed_is_restored_again()
        => Assert.Equal(
            new FollowDecision.RestoreAgain(FollowReason.OutputChanged), Decide(0, "0:1-1 0:2-2", OutputKnowledge.Changed));

    [Fact]
    public void A_state_that_is_only_claimed_goes_on_where_that_can_prove_it_and_is_restored_again_otherwise()
    {
        Assert.IsType<FollowDecision.Apply>(Decide(1, "0:1-1 0:2-2", OutputKnowledge.Claimed));
        foreach (var files in (string[])["0:1-1 0:2-2", "0:1-1", "0:4-4 9:1-4"])
        {
            Assert.Equal(new FollowDecision.RestoreAgain(FollowReason.Unproven), Decide(2, files, OutputKnowledge.Claimed));
        }
    }

    [Fact]
    public void A_long_chain_is_taken_in_pieces()
    {
        var files = string.Join(' ', Enumerable.Range(1, 200).Select(txid => $"0:{txid}-{txid}"));
        var chain = Assert.IsType<FollowDecision.Apply>(Decide(5, files)).Chain;
        Assert.Equal(FollowChain.FilesMax, chain.Files.Count);
        Assert.Equal(new Txid(6), chain.Files[0].MinTxid);
        Assert.True(chain.HasMore);
    }

    [Fact]
    public void A_file_of_a_higher_level_that_is_larger_than_what_it_was_made_of_is_not_taken()
    {
        LtxFileInfo[] files =
        [
            Listing.ParseFile("0:6-6"), Listing.ParseFile("0:7-7"), Listing.ParseFile("1:1-7") with { SizeBytes = 2_001 },
        ];
        Assert.Equal("0:6-6 0:7-7", Listing.Text(FollowChain.From(files, new Txid(5)).Files));
    }

    private static FollowDecision Decide(
        ulong position, string files, OutputKnowledge output = OutputKnowledge.Known, bool mayOverwrite = false)
        => FollowDecision.From(new FollowObservation(output, new Txid(position), mayOverwrite, Listing.Parse(files)));
}
