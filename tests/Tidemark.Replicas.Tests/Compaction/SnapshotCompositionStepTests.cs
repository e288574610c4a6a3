using CsCheck;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Compaction;

public sealed class SnapshotCompositionStepTests
{
    [Theory]
    [InlineData("9:1-1 0:2-2 0:3-3 0:4-4 0:5-5")]
    [InlineData("0:1-1 0:2-2 0:3-3 0:4-4 0:5-5")]
    [InlineData("9:1-2 1:3-4 0:3-3 0:4-4 0:5-5")]
    [InlineData("3:1-4 2:3-5")]
    [InlineData("1:1-5")]
    public async Task A_snapshot_is_composed_of_the_files_that_lead_to_the_newest_state(string files)
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), files);
        var plan = RestorePlan.From(rig.Catalog.Files, new RestoreTarget.Latest());
        var result = await rig.ComposeAsync();
        Assert.Equal((CompactionOutcome.Compacted, plan.Files.Count), (result.Outcome, result.InputCount));
        Assert.Equal(plan.TotalSizeBytes, result.BytesRead);
        Assert.Contains("9:1-5", await rig.ListingAsync(), StringComparison.Ordinal);

        await rig.Replica.DeleteAsync([.. rig.Catalog.Files.Where(file => file != result.File).Select(file => file.Key)], default);
        await rig.AssertRestorableAsync(5);
        var summary = await LtxReader.VerifyAsync(
            new MemoryStream(await rig.ReadAsync(result.File!.Value.Key)), "file", TestContext.Current.CancellationToken);
        Assert.Equal(new LtxProof(null, rig.History.ChecksumAt(5)), summary.Header.Proof);
        Assert.Equal((CompactionRig.Lineage, History.TimeOf(5)), (summary.Header.Lineage, result.File.Value.Created));
    }

    [Theory]
    [InlineData("")]
    [InlineData("9:1-5")]
    [InlineData("9:1-3 0:4-4 0:5-5 9:1-5")]
    public async Task Nothing_is_done_when_the_newest_state_is_a_snapshot_or_there_is_none(string files)
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), files);
        Assert.Equal(CompactionOutcome.Idle, (await rig.AssertNothingWrittenAsync(() => rig.ComposeAsync())).Outcome);
    }

    [Fact]
    public void A_snapshot_of_any_files_is_the_newest_state()
        => Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[9, 16].Select(bits => 1 << bits), Gen.Bool).Sample(
            (seed, pageSize, isProven) => ComposeAtRandomAsync(seed, pageSize, isProven).GetAwaiter().GetResult(),
            iter: 100);

    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(600)]
    public async Task Of_many_files_groups_are_merged_before_and_nothing_temporary_stays(int captures)
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(captures), Captures(captures));
        var store = new CountingStore(rig.Replica);
        rig.Store = store;
        var result = await rig.ComposeAsync();
        Assert.Equal((CompactionOutcome.Compacted, captures), (result.Outcome, result.InputCount));
        Assert.InRange(store.OpenMax, 2, 64);
        Assert.Equal(0, store.Open);
        Assert.Equal(captures, store.Opened.Count); // Each file once.
        Assert.Empty(rig.Disk.AllFiles);
        Assert.Equal(0, rig.Disk.OpenHandles);
        Assert.False(rig.Disk.DirectoryExists($"{CompactionRig.Folder}/merges"));
        await rig.DeleteAsync([.. Captures(captures).Split(' ')]);
        await rig.AssertRestorableAsync(captures);
    }

    [Fact]
    public async Task So_many_files_that_their_groups_are_too_many_are_grouped_again()
    {
        const int Files = 4100;
        var history = new History(512);
        for (var txid = 1; txid <= Files; txid++)
        {
            history.Capture(3, (1 + (txid % 3), (byte)txid));
        }

        var rig = await CompactionRig.CreateAsync(history, Captures(Files));
        Assert.Equal(Files, (await rig.ComposeAsync()).InputCount);
        Assert.Empty(rig.Disk.AllFiles);
        await rig.DeleteAsync([.. Captures(Files).Split(' ')]);
        await rig.AssertRestorableAsync(Files);
    }

    [Fact]
    public async Task Every_failure_of_the_disk_leaves_no_snapshot_and_the_next_run_removes_what_is_left()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(130), Captures(130));
        for (var operation = 1; ; operation += 7)
        {
            var disk = new MemoryFileSystem();
            disk.FailPowerAt(operation);
            try
            {
                await rig.ComposeAsync(disk);
                Assert.False(disk.PowerHasFailed && !rig.Catalog.At(Level.Snapshots).Any(), "What has failed says so.");
                if (!disk.PowerHasFailed)
                {
                    Assert.Empty(disk.AllFiles);
                    break;
                }
            }
            catch (TidemarkException e)
            {
                Assert.True(disk.PowerHasFailed && e.IsTransient, e.Message);
                Assert.Empty(rig.Catalog.At(Level.Snapshots));
            }

            disk.Restart(PowerLoss.Contents);
            await rig.ComposeAsync(disk);
            Assert.Empty(disk.AllFiles);
            await rig.AssertRestorableAsync(130);
            await rig.DeleteAsync("9:1-130");
            await rig.ListAsync();
        }
    }

    [Fact]
    public async Task What_a_killed_run_has_left_is_removed_also_when_no_groups_are_needed()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(3), Captures(3));
        rig.Disk.CreateDirectory($"{CompactionRig.Folder}/merges/ltx/1");
        foreach (var name in new[] { "index-1234.tmp", "merges/ltx/1/0000000000000001-0000000000000002.ltx", "merges/ltx/1/x.ltx.1.tmp" })
        {
            rig.Disk.Open($"{CompactionRig.Folder}/{name}", FileMode.CreateNew, FileAccess.Write).Dispose();
        }

        await rig.ComposeAsync();
        Assert.Empty(rig.Disk.AllFiles);
    }

    [Fact]
    public async Task A_hole_is_a_result_that_names_what_is_missing()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), "9:1-2 0:4-4 0:5-5");
        var result = await rig.AssertNothingWrittenAsync(() => rig.ComposeAsync());
        Assert.Equal(CompactionOutcome.Gap, result.Outcome);
        Assert.Equal(new Txid(3), Assert.IsType<ReplicaHoleException>(result.Failure).MissingFrom);
    }

    [Fact]
    public async Task Another_page_size_asks_for_a_full_image()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), "9:1-2 0:3-3 0:4-4 0:5-5");
        await rig.WriteAsync("0:4-4", new History(1024).CaptureAtRandom(seed: 1, captures: 4, pagesMax: 3).File(4, 4));
        var result = await rig.AssertNothingWrittenAsync(() => rig.ComposeAsync());
        Assert.Equal(CompactionOutcome.NeedsImage, result.Outcome);
        Assert.Contains("the pages have 1024 bytes", result.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_file_is_named_and_nothing_is_written()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(130), Captures(130));
        foreach (var damaged in Listing.Parse("0:1-1 0:2-2 0:70-70 0:130-130"))
        {
            var whole = await rig.ReadAsync(damaged.Key);
            await rig.History.WriteAsync(rig.Replica, damaged.Key, whole[..^20]);
            var result = await rig.AssertNothingWrittenAsync(() => rig.ComposeAsync());
            Assert.Equal((CompactionOutcome.Damaged, damaged.Key), (result.Outcome, result.DamagedFile));
            await rig.History.WriteAsync(rig.Replica, damaged.Key, whole);
        }
    }

    [Fact]
    public async Task Pages_that_are_not_the_proven_state_are_no_snapshot()
    {
        var history = new History(512).Capture(3, (1, 1), (2, 2), (3, 3)).Capture(3, (1, 4)).Capture(3, (2, 5));
        var otherwise = new History(512, isProven: false).Capture(3, (1, 1), (2, 2), (3, 3)).Capture(3, (1, 99));
        var rig = await CompactionRig.CreateAsync(history, "9:1-1 0:2-2 0:3-3");
        await rig.WriteAsync("0:2-2", otherwise.File(2, 2));
        var result = await rig.AssertNothingWrittenAsync(() => rig.ComposeAsync());
        Assert.Equal((CompactionOutcome.Damaged, null), (result.Outcome, result.DamagedFile));
        Assert.Contains("the pages up to this file have the checksum", result.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_has_vanished_means_that_the_catalogue_is_stale()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(130), Captures(130));
        await rig.DeleteAsync("0:77-77");
        Assert.Equal(CompactionOutcome.Stale, (await rig.AssertNothingWrittenAsync(() => rig.ComposeAsync())).Outcome);
    }

    private static History HistoryOf(int captures, int seed = 31) => new History(512).CaptureAtRandom(seed, captures, pagesMax: 12);

    private static string Captures(int captures) => string.Join(' ', Enumerable.Range(1, captures).Select(txid => $"0:{txid}-{txid}"));

    private static async Task ComposeAtRandomAsync(int seed, int pageSize, bool isProven)
    {
        const int Last = 9;
        var random = new Random(seed);
        var files = new List<string>();
        for (var reached = 0; reached < Last;)
        {
            var min = reached == 0 ? 1 : random.Next(Math.Max(2, reached - 1), reached + 2);
            reached = random.Next(reached + 1, Last + 1);
            files.Add($"{random.Next(0, 9)}:{min}-{reached}");
        }

        var history = new History(pageSize, isProven).CaptureAtRandom(seed, Last, pagesMax: pageSize >= 32768 ? 5 : 20);
        var rig = await CompactionRig.CreateAsync(history, string.Join(' ', files.Distinct()));
        var result = await rig.ComposeAsync();
        await rig.Replica.DeleteAsync([.. rig.Catalog.Files.Where(file => file != result.File).Select(file => file.Key)], default);
        await rig.AssertRestorableAsync(Last);
    }
}
