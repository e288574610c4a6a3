using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Retention;

/// <summary>Retention against restores, with the failures that users of Litestream have reported, by their number there.</summary>
public sealed class RetentionAndRestoreTests
{
    private static readonly RetentionOptions s_defaults = new();

    [Fact]
    public void Captures_that_nothing_has_gathered_are_not_deleted_however_old_issue_771()
    {
        var life = new ReplicaLife();
        Write(life, seconds: 3_600);
        Assert.Empty(life.Retain(s_defaults).Deletions);
        for (var txid = 1; txid <= (int)life.Last; txid++)
        {
            Assert.Equal((ulong)txid, Restore(life, new RestoreTarget.AtTxid(new((ulong)txid))));
        }

        life.Compact(1, filesMax: 600);
        Assert.Equal(600, life.Retain(s_defaults).Deletions.Count);
        Assert.Equal(600UL, Restore(life, new RestoreTarget.AtTxid(new(600))));
        Assert.Equal(601UL, Restore(life, new RestoreTarget.AtTxid(new(601))));
    }

    [Fact]
    public void A_moment_long_after_its_captures_were_deleted_can_be_restored_issue_1038()
    {
        var life = new ReplicaLife();
        for (var i = 0; i < 240; i++)
        {
            Write(life, seconds: 30);
            life.Compact(1);
            life.Retain(s_defaults);
        }

        Assert.InRange(life.Files.Count(file => file.Level == Level.Captured), 1, 331);
        for (var ago = 0; ago < 7_100; ago += 7)
        {
            var restored = Restore(life, new RestoreTarget.Before(life.Now.AddSeconds(-ago)));
            Assert.InRange(restored, life.Last - (ulong)ago - (ago < 300 ? 1UL : 31UL), life.Last - (ulong)ago);
        }
    }

    [Fact]
    public void The_first_day_can_be_restored_after_the_first_snapshot_was_made()
    {
        var life = new ReplicaLife();
        Write(life, seconds: 30);
        life.Compact(1);
        life.Seconds += 12 * 3_600;
        Write(life, seconds: 30);
        life.Compact(1);
        life.Snapshot();
        life.Seconds += 3_600;
        life.Retain(s_defaults);
        Assert.Equal(30UL, Restore(life, new RestoreTarget.Before(life.Now.AddHours(-6))));
    }

    [Fact]
    public void The_day_before_the_oldest_snapshot_of_the_last_24_hours_can_be_restored()
    {
        var life = new ReplicaLife();
        for (var day = 0; day < 4; day++)
        {
            for (var hour = 0; hour < 24; hour++)
            {
                life.Seconds += 3_600;
                life.Capture();
                life.Compact(1);
            }

            life.Snapshot();
        }

        life.Seconds += 6 * 3_600;
        Assert.Equal("9:1-24 9:1-48", Listing.Text(life.Retain(s_defaults).Deletions.Where(file => file.Level == Level.Snapshots)));
        Assert.Equal(82UL, Restore(life, new RestoreTarget.Before(life.Now.AddHours(-20).AddSeconds(1))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_restore_finds_the_files_of_its_plan_while_retention_runs_issue_1270(int seed)
    {
        const int CompactionSeconds = 30;
        var options = new RetentionOptions { SnapshotRetention = TimeSpan.FromSeconds(1_500), L0Retention = TimeSpan.FromSeconds(100) };
        var random = new Random(seed);
        var life = new ReplicaLife();
        var plans = new List<(DateTimeOffset From, RestorePlan Plan)>();
        var deleted = 0;
        for (var isBusy = true; life.Seconds < 106_000; life.Seconds++)
        {
            isBusy = random.Next(200) == 0 ? !isBusy : isBusy;
            if (isBusy && random.Next(3) > 0)
            {
                life.Capture();
            }

            for (var (level, seconds) = (1, CompactionSeconds); level <= 3; level++, seconds *= 4)
            {
                if (life.Seconds % seconds == 0)
                {
                    life.Compact(level);
                }
            }

            if (life.Seconds % 600 == 0)
            {
                life.Snapshot();
            }

            if (life.Last > 0 && life.Seconds % 7 == 0)
            {
                plans.Add((life.Now, RestorePlan.From(life.Files, new RestoreTarget.Latest())));
            }

            if (life.Seconds % 5 == 0 && life.Seconds > 102_000)
            {
                var moment = new RestoreTarget.Before(life.Now.AddSeconds(-random.Next(1_500)));
                plans.Add((life.Now, RestorePlan.From(life.Files, moment)));
            }

            if (life.Seconds % 4 != 0)
            {
                continue;
            }

            deleted += life.Retain(options).Deletions.Count;
            plans.RemoveAll(plan => plan.From.Add(options.L0Retention) <= life.Now);
            var files = life.Files.ToHashSet();
            foreach (var (from, plan) in plans)
            {
                // Captures count from when they were made, up to one compaction before the restore began; those of a moment in the past
                // may end any time.
                var isEndOfCaptures = plan.Target is not RestoreTarget.Latest
                    || life.Now >= from.Add(options.L0Retention).AddSeconds(-CompactionSeconds);
                Assert.All(
                    plan.Files.Where(file => !isEndOfCaptures || file.Level != Level.Captured), file => Assert.Contains(file, files));
            }
        }

        Assert.True(deleted > 1_000, "Retention had something to delete.");
    }

    [Fact]
    public async Task A_restore_that_takes_longer_than_files_are_kept_plans_anew_issue_1307()
    {
        var history = new History().CaptureAtRandom(seed: 3, captures: 8, pagesMax: 9);
        var inner = await history.StoreAsync("9:1-4 0:5-5 0:6-6 0:7-7 0:8-8");
        var retention = new RetentionStep(inner);
        var deleted = new RetentionResult(0, 0);
        var store = new FaultingStore(inner, _ => null)
        {
            BeforeCall = call =>
            {
                if (call == Level.Count + 2) // The plan is made, and its newest file was opened.
                {
                    history.WriteAsync(inner, Listing.ParseFile("1:5-7").Key).AsTask().GetAwaiter().GetResult();
                    var catalog = new ReplicaCatalog(ReplicaListing.ReadAllAsync(inner, default).AsTask().GetAwaiter().GetResult());
                    var plan = RetentionPlan.From(catalog.Files, History.TimeOf(7).AddMinutes(5), s_defaults);
                    deleted = retention.RunAsync(plan, catalog, default).AsTask().GetAwaiter().GetResult();
                }
            },
        };
        var disk = new MemoryFileSystem();
        var result = await new RestoreStep(store, disk, TimeProvider.System)
            .RunAsync(new RestoreTarget.Latest(), new RestoreOptions { OutputPath = "/data/app.db" }, CancellationToken.None);
        Assert.Equal(3, deleted.Files);
        Assert.Equal("9:1-4 1:5-7 0:8-8", Listing.Text(result.Plan.Files));
        Assert.Equal(history.At(8), disk.ReadAllBytes("/data/app.db"));
    }

    /// <summary>A capture every second.</summary>
    private static void Write(ReplicaLife life, int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            life.Seconds++;
            life.Capture();
        }
    }

    private static ulong Restore(ReplicaLife life, RestoreTarget target) => RestorePlan.From(life.Files, target).MaxTxid.Value;
}
