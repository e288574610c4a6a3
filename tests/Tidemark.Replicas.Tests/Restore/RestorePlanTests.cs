using CsCheck;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

public sealed class RestorePlanTests
{
    private static readonly RestoreTarget s_latest = new RestoreTarget.Latest();

    [Theory]
    [InlineData("0:1-1", "0:1-1")]
    [InlineData("0:1-1 0:2-2 0:3-3", "0:1-1 0:2-2 0:3-3")]
    [InlineData("9:1-2 9:1-7 0:8-8", "9:1-7 0:8-8")]
    [InlineData("9:1-7 0:6-6 0:7-7 0:8-8 0:9-9 1:6-8", "9:1-7 1:6-8 0:9-9")]
    [InlineData("9:1-7 0:8-8 0:9-9 1:8-9 2:8-9", "9:1-7 2:8-9")]
    [InlineData("9:1-7 1:8-9 1:5-9 3:8-9", "9:1-7 1:5-9")]
    [InlineData("9:1-7 1:3-9 2:3-9 0:10-10", "9:1-7 2:3-9 0:10-10")]
    [InlineData("9:1-7 8:8-8", "9:1-7 8:8-8")]
    public void The_latest_state_begins_with_the_last_snapshot_and_goes_on_with_the_file_that_reaches_furthest(string files, string plan)
        => Assert.Equal(plan, Plan(files, s_latest));

    [Theory]
    [InlineData("9:1-7 2:1-9 0:10-10", "2:1-9 0:10-10")]
    [InlineData("9:1-7 2:1-7 0:8-8", "9:1-7 0:8-8")]
    public void A_snapshot_that_a_longer_file_from_the_first_txid_covers_is_left_out(string files, string plan)
        => Assert.Equal(plan, Plan(files, s_latest));

    [Theory]
    [InlineData("9:1-4 9:1-9 0:4-4 0:5-5 0:6-6 1:5-6", 5, "9:1-4 0:5-5")]
    [InlineData("9:1-4 9:1-9 0:4-4 0:5-5 0:6-6 1:5-6", 6, "9:1-4 1:5-6")]
    [InlineData("9:1-4 9:1-9 0:4-4 0:5-5 0:6-6 1:5-6", 9, "9:1-9")]
    [InlineData("9:1-4 0:1-1 0:2-2", 2, "0:1-1 0:2-2")]
    public void A_txid_is_reached_exactly(string files, int txid, string plan) => Assert.Equal(plan, Plan(files, At(txid)));

    [Theory]
    [InlineData("9:1-4 1:5-8", 6, 4, 8)]
    [InlineData("9:1-4 1:5-8", 9, 8, null)]
    [InlineData("9:1-4 1:5-8", 3, null, 4)]
    [InlineData("9:1-4 0:5-5 0:7-7 9:1-9", 7, 5, 9)]
    [InlineData("0:3-3 0:4-4", 4, null, null)]
    public void A_txid_that_no_files_lead_to_is_an_error_that_names_its_neighbours(string files, int txid, int? below, int? above)
    {
        var failure = Assert.Throws<TxidNotRestorableException>(() => Plan(files, At(txid)));
        Assert.Equal(
            ((ulong)txid, (ulong?)below, (ulong?)above),
            (failure.Target.Value, failure.NearestBelow?.Value, failure.NearestAbove?.Value));
        Assert.NotNull(failure.Hint);
    }

    [Theory]
    [InlineData("9:1-4 0:5-5 0:6-6", 6, "9:1-4 0:5-5")] // Strictly before: the file of second 6 is not used.
    [InlineData("9:1-4 0:5-5 0:6-6", 7, "9:1-4 0:5-5 0:6-6")]
    [InlineData("9:1-4@4 9:1-6@6 0:5-5 0:6-6", 6, "9:1-4 0:5-5")]
    [InlineData("9:1-4 1:5-8@8 0:5-5 0:6-6", 7, "9:1-4 0:5-5 0:6-6")]
    [InlineData("9:1-4 1:5-8@8", 7, "9:1-4")]
    [InlineData("9:1-3 0:4-4@9 0:5-5@6", 7, "9:1-3")] // The clock went back. Nothing is missing, so this is no hole.
    [InlineData("9:1-3 1:4-8@8 0:6-6@6", 7, "9:1-3")] // What is between 3 and 6 can be had up to 8 only.
    public void A_restore_to_a_time_uses_files_made_strictly_before_it(string files, int time, string plan)
        => Assert.Equal(plan, Plan(files, Before(time)));

    [Theory]
    [InlineData("9:1-4 0:6-6", 5, 5, 4)]
    [InlineData("9:1-4 0:8-8 1:7-9 0:5-5", 6, 6, 5)]
    [InlineData("0:4-4 0:5-5", 1, 3, null)]
    public void A_hole_is_an_error_that_says_what_is_missing_and_what_can_be_restored(string files, int from, int to, int? restorable)
    {
        foreach (var target in new RestoreTarget[] { s_latest, Before(1_000) })
        {
            var failure = Assert.Throws<ReplicaHoleException>(() => Plan(files, target));
            Assert.Equal(
                ((ulong)from, (ulong)to, (ulong?)restorable),
                (failure.MissingFrom.Value, failure.MissingTo.Value, failure.RestorableTo?.Value));
            Assert.NotNull(failure.Hint);
        }
    }

    [Fact]
    public void Files_before_a_hole_restore_by_txid_and_by_a_time_before_it()
    {
        Assert.Equal("9:1-4 0:5-5", Plan("9:1-4 0:5-5 0:9-9", At(5)));
        Assert.Equal("9:1-4 0:5-5", Plan("9:1-4 0:5-5 0:9-9", Before(6)));
    }

    [Fact]
    public void An_empty_replica_has_no_matching_backup()
    {
        foreach (var target in new RestoreTarget[] { s_latest, At(1), Before(1) })
        {
            Assert.Throws<NoMatchingBackupException>(() => Plan("", target));
        }
    }

    [Fact]
    public void A_time_before_everything_has_no_matching_backup_and_the_hint_says_when_it_begins()
    {
        var failure = Assert.Throws<NoMatchingBackupException>(() => Plan("9:1-4 0:5-5", Before(4)));
        Assert.Equal("No matching backup: the replica cannot give the state before 2026-09-21T14:13:24Z.", failure.Message);
        Assert.Contains("2026-09-21T14:13:24Z", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_the_snapshot_level_that_is_none_is_not_used()
        => Assert.Equal("9:1-4 0:5-5", Plan("9:1-4 9:4-9 0:5-5", s_latest));

    [Fact]
    public void The_state_before_the_first_txid_cannot_be_asked_for()
        => Assert.Throws<ArgumentException>(() => Plan("9:1-4", At(0)));

    [Fact]
    public void A_plan_tells_its_range_and_size()
    {
        var plan = RestorePlan.From(Listing.Parse("9:1-4 0:5-5"), s_latest);
        Assert.Equal((1UL, 5UL, 2_000L), (plan.MinTxid.Value, plan.MaxTxid.Value, plan.TotalSizeBytes));
    }

    [Fact]
    public void A_plan_reaches_exactly_its_target_without_holes_or_none_exists()
        => Gen.Select(GenListing, Gen.Int[1, 14]).Sample((files, txid) =>
        {
            var reachable = Reachable(files);
            try
            {
                var plan = RestorePlan.From(files, At(txid)).Files;
                Assert.Contains((ulong)txid, reachable);
                Assert.Equal((ulong)txid, plan[^1].MaxTxid.Value);
                AssertContinues(plan);
            }
            catch (TxidNotRestorableException e)
            {
                Assert.DoesNotContain((ulong)txid, reachable);
                Assert.Equal(reachable.Where(r => r < (ulong)txid).Select(r => (ulong?)r).LastOrDefault(), e.NearestBelow?.Value);
                Assert.Equal(reachable.Where(r => r > (ulong)txid).Select(r => (ulong?)r).FirstOrDefault(), e.NearestAbove?.Value);
            }
            catch (NoMatchingBackupException)
            {
                Assert.Empty(reachable);
            }
        });

    [Fact]
    public void A_plan_is_that_of_litestream_without_what_a_longer_file_covers()
        => Gen.Select(GenListing, GenTarget).Sample((files, target) =>
        {
            var expected = Litestream(files, target);
            var last = expected.FindLastIndex(file => file.MinTxid == Txid.First);
            try
            {
                var plan = RestorePlan.From(files, target).Files;
                Assert.Equal(Listing.Text(expected.Skip(Math.Max(last, 0))), Listing.Text(plan));
            }
            catch (TxidNotRestorableException)
            {
                Assert.NotEqual(((RestoreTarget.AtTxid)target).Txid, expected.Count == 0 ? Txid.None : expected[^1].MaxTxid);
            }
            catch (ReplicaHoleException hole)
            {
                Assert.DoesNotContain(
                    files, file => file.MinTxid <= hole.MissingTo && file.MaxTxid >= hole.MissingFrom && file.Level != Level.Snapshots);
                Assert.Contains(files, file => file.MinTxid > hole.MissingTo);
                Assert.Equal(expected.Count == 0 ? null : expected[^1].MaxTxid, hole.RestorableTo);
            }
            catch (NoMatchingBackupException)
            {
                Assert.Empty(expected);
            }
        });

    private static Gen<LtxFileInfo> GenFile
        => Gen.Select(Gen.Int[0, 3], Gen.Int[1, 12], Gen.Int[0, 4], Gen.Int[1, 14]).Select((level, min, length, time) => level == 3
            ? Listing.File(9, 1, (ulong)(min + length), time)
            : Listing.File(level, (ulong)min, (ulong)(min + (level == 0 ? 0 : length)), time));

    private static Gen<LtxFileInfo[]> GenListing => GenFile.Array[0, 14].Select(files => files.DistinctBy(file => file.Key).ToArray());

    private static Gen<RestoreTarget> GenTarget
        => Gen.Select(Gen.Int[0, 2], Gen.Int[1, 14])
            .Select((kind, number) => kind switch { 0 => s_latest, 1 => At(number), _ => Before(number) });

    /// <summary>Every TXID that some chain of files leads to, by trying all.</summary>
    private static SortedSet<ulong> Reachable(LtxFileInfo[] files)
    {
        var reachable = new SortedSet<ulong>();
        int count;
        do
        {
            count = reachable.Count;
            foreach (var file in files)
            {
                if (file.MinTxid.Value == 1 || reachable.Any(txid => file.MinTxid.Value <= txid + 1 && txid < file.MaxTxid.Value))
                {
                    reachable.Add(file.MaxTxid.Value);
                }
            }
        }
        while (reachable.Count > count);
        return reachable;
    }

    /// <summary>The rules word by word, and slowly.</summary>
    private static List<LtxFileInfo> Litestream(LtxFileInfo[] files, RestoreTarget target)
    {
        var fitting = files.Where(file => target switch
        {
            RestoreTarget.AtTxid at => file.MaxTxid <= at.Txid,
            RestoreTarget.Before before => file.Created < before.Time,
            _ => true,
        }).ToArray();
        List<LtxFileInfo> plan = [.. fitting.Where(file => file.Level.Value == 9).OrderBy(file => file.MaxTxid).TakeLast(1)];
        while (true)
        {
            var current = plan.Count == 0 ? 0 : plan[^1].MaxTxid.Value;
            LtxFileInfo[] next = [.. fitting
                .Where(file => file.Level.Value < 9 && file.MinTxid.Value <= current + 1 && file.MaxTxid.Value > current)
                .OrderByDescending(file => file.MaxTxid)
                .ThenBy(file => file.MinTxid)
                .ThenByDescending(file => file.Level)
                .ThenBy(file => file.Created)
                .Take(1)];
            if (next.Length == 0)
            {
                return plan;
            }

            plan.AddRange(next);
        }
    }

    private static void AssertContinues(IReadOnlyList<LtxFileInfo> plan)
    {
        Assert.Equal(Txid.First, plan[0].MinTxid);
        for (var i = 1; i < plan.Count; i++)
        {
            Assert.True(plan[i].MinTxid.Value <= plan[i - 1].MaxTxid.Value + 1, Listing.Text(plan));
            Assert.True(plan[i].MaxTxid > plan[i - 1].MaxTxid, Listing.Text(plan));
        }
    }

    private static string Plan(string files, RestoreTarget target) => Listing.Text(RestorePlan.From(Listing.Parse(files), target).Files);

    private static RestoreTarget.AtTxid At(int txid) => new(new Txid((ulong)txid));

    private static RestoreTarget.Before Before(int time) => new(History.TimeOf(time));
}
