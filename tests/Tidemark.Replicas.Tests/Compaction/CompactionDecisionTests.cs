using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Tests.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Compaction;

public sealed class CompactionDecisionTests
{
    [Theory]
    [InlineData("", "idle")]
    [InlineData("0:2-2 0:3-3", "0:2-2 0:3-3 => 1:2-3")] // an empty level begins with the first file there is
    [InlineData("0:1-1 0:2-2 0:3-3", "0:1-1 0:2-2 0:3-3 => 1:1-3")]
    [InlineData("1:1-3 0:2-2 0:3-3 0:4-4 0:5-5", "0:4-4 0:5-5 => 1:4-5")] // what the level has is not merged again
    [InlineData("1:1-3 1:4-6 0:7-7 0:8-8 2:1-6", "0:7-7 0:8-8 => 1:7-8")] // other levels do not matter
    [InlineData("1:1-3 0:2-2 0:3-3", "idle")]
    [InlineData("1:5-6 0:1-1 0:2-2", "idle")]
    public void Files_that_continue_the_level_are_merged(string files, string expected) => Check(files, expected);

    [Theory]
    [InlineData("0:7-7", "idle")]
    [InlineData("1:1-3 0:4-4", "idle")]
    [InlineData("1:1-3 0:3-3 0:4-4", "idle")]
    public void A_single_file_waits_for_a_second(string files, string expected) => Check(files, expected);

    [Theory]
    [InlineData("1:1-3 0:4-4", "0:4-4 => 1:4-4")]
    [InlineData("1:1-3 0:4-4 0:5-5", "0:4-4 0:5-5 => 1:4-5")]
    [InlineData("1:1-3", "idle")]
    public void A_level_that_shall_be_complete_takes_a_single_file(string files, string expected) => Check(files, expected, takesSingle: true);

    [Theory]
    [InlineData("9:1-1 0:1-1 0:2-2 0:3-3", "0:2-2 0:3-3 => 1:2-3")]
    [InlineData("9:1-1 0:1-1 0:2-2", "idle")]
    [InlineData("9:1-2 0:1-1 0:2-2", "0:1-1 0:2-2 => 1:1-2")] // another state than the image
    [InlineData("9:1-1 0:2-2 0:3-3", "0:2-2 0:3-3 => 1:2-3")]
    [InlineData("9:1-1 1:1-1 0:1-1 0:2-2 0:3-3", "0:2-2 0:3-3 => 1:2-3")]
    [InlineData("9:2-2 0:1-1 0:2-2", "0:1-1 0:2-2 => 1:1-2")] // level 9 is for files that begin at the first TXID
    public void The_image_that_level_9_holds_is_not_written_again(string files, string expected) => Check(files, expected);

    [Theory]
    [InlineData("1:1-3 0:6-6 0:7-7", "gap 4-5")]
    [InlineData("1:1-3 0:4-4 0:5-5 0:7-7 0:8-8", "0:4-4 0:5-5 => 1:4-5")]
    [InlineData("1:1-5 0:4-4 0:5-5 0:7-7 0:8-8", "gap 6-6")]
    [InlineData("1:1-3 0:4-4 0:7-7 0:8-8", "0:4-4 => 1:4-4")] // a second can never come
    [InlineData("0:2-2 0:4-4", "0:2-2 => 1:2-2")]
    [InlineData("9:1-1 0:1-1 0:3-3 0:4-4", "gap 2-2")]
    [InlineData("1:1-3 0:6-6", "gap 4-5")]
    public void A_hole_is_never_passed_over_in_silence(string files, string expected) => Check(files, expected);

    [Theory]
    [InlineData("9:1-5 1:1-3 0:6-6 0:7-7", "0:6-6 0:7-7 => 1:6-7")]
    [InlineData("9:1-9 1:1-3 0:6-6 0:7-7", "0:6-6 0:7-7 => 1:6-7")]
    [InlineData("9:1-4 1:1-3 0:6-6 0:7-7", "gap 4-5")]
    [InlineData("9:1-6 1:1-3 0:4-4 0:7-7 0:8-8", "0:4-4 => 1:4-4")] // never across the hole
    [InlineData("9:1-6 1:1-4 0:4-4 0:7-7 0:8-8", "0:7-7 0:8-8 => 1:7-8")]
    [InlineData("9:2-6 1:1-3 0:7-7 0:8-8", "gap 4-6")]
    public void Behind_a_hole_that_a_snapshot_leads_over_the_level_goes_on(string files, string expected) => Check(files, expected);

    [Theory]
    [InlineData("1:1-3 0:2-5 0:4-4 0:6-6", "0:2-5 0:6-6 => 1:2-6")]
    [InlineData("0:1-3 0:2-4 0:3-6", "0:1-3 0:2-4 0:3-6 => 1:1-6")]
    [InlineData("0:1-3 0:1-5 0:2-4", "0:1-3 0:1-5 => 1:1-5")]
    public void Files_may_overlap_if_they_go_on(string files, string expected) => Check(files, expected);

    [Theory]
    [InlineData("1:1-4 1:5-8 0:1-1", 2, "1:1-4 1:5-8 => 2:1-8")]
    [InlineData("7:1-4 7:5-8", 8, "7:1-4 7:5-8 => 8:1-8")]
    public void Each_level_takes_from_the_one_below(string files, int target, string expected)
        => Assert.Equal(expected, Text(CompactionDecision.From(Listing.Parse(files), new Level(target))));

    [Fact]
    public void No_more_than_64_files_are_merged_at_once()
    {
        var files = Enumerable.Range(1, 200).Select(txid => Listing.File(0, (ulong)txid, (ulong)txid, txid)).Reverse().ToArray();
        var merge = Assert.IsType<CompactionDecision.Merge>(CompactionDecision.From(files, new Level(1)));
        Assert.Equal(files.Reverse().Take(64), merge.Inputs);
        Assert.Equal("1/0000000000000001-0000000000000040.ltx", merge.Output.ToString());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void Nothing_is_compacted_into_captures_and_snapshots(int level)
        => Assert.Throws<ArgumentOutOfRangeException>(() => CompactionDecision.From([], new Level(level)));

    private static void Check(string files, string expected, bool takesSingle = false)
        => Assert.Equal(expected, Text(CompactionDecision.From([.. Listing.Parse(files).Reverse()], new Level(1), takesSingle)));

    private static string Text(CompactionDecision decision) => decision switch
    {
        CompactionDecision.Merge merge
            => $"{Listing.Text(merge.Inputs)} => {merge.Output.Level}:{merge.Output.Name.MinTxid.Value}-{merge.Output.Name.MaxTxid.Value}",
        CompactionDecision.Gap gap => $"gap {gap.MissingFrom.Value}-{gap.MissingTo.Value}",
        _ => "idle",
    };
}
