using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Tests.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Retention;

/// <summary>Times are seconds: files of TXIDs 1, 2... by their times, looks as "wall clock/elapsed", and the times that files count as.</summary>
public sealed class WitnessedTimeTests
{
    [Theory]
    [InlineData("no file", 1000, "", "5000/4000", "", 0)]
    [InlineData("a start at once", 1000, "400 990", "1000/0 9000/8000", "400 990", 0)]
    [InlineData("a clock that is slewed, in a long run", 1000, "990", "900000/899001 1800000/1799002", "990", 0)]
    [InlineData("a long stop, or a clock that jumped meanwhile", 100_000, "400 1000", "100000/0", "99400 100000", 99_000)]
    [InlineData("what came after a long stop", 100_000, "1000 100005", "100010/10 200000/100000", "100000 100005", 99_000)]
    [InlineData("what was written between the start and the first look", 100_000, "1000 100005", "100010/10", "100000 100005", 99_000)]
    [InlineData("a file from the future at the start", 100_000, "1000 700000", "100000/0", "100000 700000", 99_000)]
    [InlineData("only files from the future", 1000, "700000", "1000/0", "700000", 0)]
    [InlineData("a jump in the run", 1000, "990 1500 52010", "1000/0 52000/1000", "50990 51500 52010", 50_000)]
    [InlineData("a jump that was seen late", 1000, "990 1500 51600 53000", "1000/0 54000/3000", "50990 51500 51600 53000", 50_000)]
    [InlineData("a jump that was taken back", 1000, "990 1500 52010", "1000/0 52000/1000 3000/2000", "990 1500 52010", 0)]
    [InlineData("a jump that was taken back in part", 1000, "990 1500", "1000/0 52000/1000 33000/2000", "30990 31500", 30_000)]
    [InlineData("a jump before the first look", 1000, "990 52010", "52100/1100", "50990 52010", 50_000)]
    [InlineData("a wrong clock at the start that is corrected", 100_000, "400 1000 100005", "100010/10 1020/20", "400 1000 100005", 0)]
    [InlineData("a clock set back", 1000, "400 990", "1000/0 500/100", "400 990", 0)]
    [InlineData("a clock set back and forth", 1000, "400 990", "1000/0 500/100 1200/200", "1000 990", 600)]
    [InlineData("two jumps", 1000, "990 11500", "1000/0 12000/1000 33000/2000", "30990 31500", 30_000)]
    [InlineData("two jumps, the newer taken back first", 1000, "990 11500", "1000/0 12000/1000 33000/2000 9000/3000", "5990 11500", 5_000)]
    public void A_file_is_as_old_as_the_time_that_was_seen_to_pass(
        string what, int start, string created, string looks, string expected, int notBelieved)
    {
        var time = new WitnessedTime(History.TimeOf(start));
        LtxFileInfo[] files = [.. Numbers(created).Select((at, i) => Listing.File(0, (ulong)i + 1, (ulong)i + 1, at))];
        foreach (var look in looks.Split(' '))
        {
            int[] clocks = [.. look.Split('/').Select(int.Parse)];
            time.See(files, History.TimeOf(clocks[0]), TimeSpan.FromSeconds(clocks[1]));
        }

        Assert.True(
            Numbers(expected).Select(History.TimeOf).SequenceEqual(time.Age(files).Select(file => file.Created)),
            $"{what}: {string.Join(' ', time.Age(files).Select(file => (file.Created - History.TimeOf(0)).TotalSeconds))}");
        Assert.Equal(TimeSpan.FromSeconds(notBelieved), time.NotBelieved);
    }

    [Fact]
    public void A_clock_that_is_corrected_stalls_nothing_that_comes_after_it()
    {
        var time = new WitnessedTime(History.TimeOf(0));
        var options = new RetentionOptions { SnapshotRetention = TimeSpan.FromSeconds(100), L0Retention = TimeSpan.FromSeconds(10) };
        var files = Listing.Parse("9:1-1@0 9:1-2@10000 9:1-3@10050");
        time.See(files, History.TimeOf(10_000), TimeSpan.Zero);
        Assert.Empty(Plan(10_109));
        Assert.Equal("9:1-1", Listing.Text(Plan(10_110)));
        Assert.Equal("9:1-1 9:1-2", Listing.Text(Plan(10_160)));

        IReadOnlyList<LtxFileInfo> Plan(int now)
        {
            time.See(files, History.TimeOf(now), TimeSpan.FromSeconds(now - 10_000));
            return RetentionPlan.From(time.Age(files), History.TimeOf(now), options).Deletions;
        }
    }

    private static IEnumerable<int> Numbers(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse);
}
