using CsCheck;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Compaction;

public sealed class CompactionStepTests
{
    private const string Files = "9:1-1 0:2-2 0:3-3 0:4-4 0:5-5";

    [Fact]
    public async Task Files_become_one_of_the_next_level()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        var result = await rig.CompactAsync();
        Assert.Equal((CompactionOutcome.Compacted, 4, false), (result.Outcome, result.InputCount, result.HasMore));
        Assert.Equal("0:2-2 0:3-3 0:4-4 0:5-5 1:2-5 9:1-1", await rig.ListingAsync());
        Assert.Equal(rig.Catalog.At(Level.Captured).Sum(file => file.SizeBytes), result.BytesRead);
        Assert.Equal(rig.Catalog.NewestAt(new Level(1)), result.File);
        Assert.Equal((await rig.ReadAsync(result.File!.Value.Key)).Length, result.BytesWritten);

        await rig.DeleteAsync("0:2-2", "0:3-3", "0:4-4", "0:5-5");
        await rig.AssertRestorableAsync(1, 5);
        await rig.ListAsync();
        Assert.Equal(CompactionOutcome.Idle, (await rig.CompactAsync()).Outcome);
    }

    [Fact]
    public async Task The_new_file_has_time_and_proof_of_its_inputs_and_the_lineage_of_its_writer()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        var result = await rig.CompactAsync();
        var summary = await LtxReader.VerifyAsync(
            new MemoryStream(await rig.ReadAsync(result.File!.Value.Key)), "file", TestContext.Current.CancellationToken);
        Assert.Equal(CompactionRig.Lineage, summary.Header.Lineage);
        Assert.Equal(new LtxProof(rig.History.ChecksumAt(1), rig.History.ChecksumAt(5)), summary.Header.Proof);
        Assert.Equal(History.TimeOf(5), summary.Header.Timestamp);
        Assert.Equal(History.TimeOf(5), result.File.Value.Created);
    }

    [Fact]
    public void Compacting_any_history_in_any_rhythm_keeps_every_state_that_is_left()
        => Gen.Select(Gen.Int[0, int.MaxValue], Gen.OneOf(Gen.Const(512), Gen.Const(4096), Gen.Const(65536)), Gen.Bool).Sample(
            (seed, pageSize, isProven) => RunHistoryAsync(seed, pageSize, isProven).GetAwaiter().GetResult(),
            iter: 60);

    [Fact]
    public async Task A_long_backlog_is_merged_in_several_runs_and_no_more_than_64_files_are_open()
    {
        const int Captures = 500;
        var history = new History(512).CaptureAtRandom(seed: 4, captures: Captures, pagesMax: 20);
        var rig = await CompactionRig.CreateAsync(history, string.Join(' ', Enumerable.Range(1, Captures).Select(txid => $"0:{txid}-{txid}")));
        var store = new CountingStore(rig.Replica);
        rig.Store = store;
        var runs = 1;
        for (; (await rig.CompactAsync()) is { HasMore: true }; runs++)
        {
        }

        Assert.Equal(8, runs);
        Assert.Equal(64, store.OpenMax);
        Assert.Equal(0, store.Open);
        Assert.Equal(8, rig.Catalog.At(new Level(1)).Count);
        await rig.DeleteAsync([.. Enumerable.Range(1, Captures).Select(txid => $"0:{txid}-{txid}")]);
        await rig.AssertRestorableAsync(64, 448, Captures);
    }

    [Fact]
    public async Task A_hole_is_a_result_that_names_what_is_missing()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(6), "1:1-2 0:5-5 0:6-6");
        var result = await rig.AssertNothingWrittenAsync(() => rig.CompactAsync());
        Assert.Equal(CompactionOutcome.Gap, result.Outcome);
        Assert.Equal(
            $"{rig.Store.Name}: level 0 lacks the TXIDs 0000000000000003 to 0000000000000004, but holds later ones.", result.Failure!.Message);
        Assert.NotNull(result.Failure.Hint);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Damage_anywhere_names_the_file_and_nothing_is_written(bool isProven)
    {
        var history = new History(512, isProven).CaptureAtRandom(seed: 21, captures: 4, pagesMax: 5);
        var rig = await CompactionRig.CreateAsync(history, "0:1-1 0:2-2 0:3-3 0:4-4");
        var random = new Random(6);
        foreach (var damaged in Listing.Parse("0:1-1 0:2-2 0:3-3 0:4-4"))
        {
            var whole = await rig.ReadAsync(damaged.Key);
            for (var at = random.Next(7); at < whole.Length; at += random.Next(1, 13))
            {
                var content = whole.ToArray();
                content[at] ^= (byte)(1 << random.Next(8));
                await history.WriteAsync(rig.Replica, damaged.Key, content);
                await AssertDamagedOrSameAsync(rig, damaged.Key);
            }

            for (var length = 0; length < whole.Length; length += Math.Max(1, (whole.Length - length) / 9))
            {
                await history.WriteAsync(rig.Replica, damaged.Key, whole[..length]);
                await AssertDamagedAsync(rig, damaged.Key);
            }

            await history.WriteAsync(rig.Replica, damaged.Key, [.. whole, 0]);
            await AssertDamagedAsync(rig, damaged.Key);
            await history.WriteAsync(rig.Replica, damaged.Key, whole);
        }

        Assert.Equal(CompactionOutcome.Compacted, (await rig.CompactAsync()).Outcome);
    }

    [Fact]
    public async Task Damage_is_named_also_by_a_store_that_hides_why_its_content_ended()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        var content = rig.History.File(4, 4);
        content[^1] ^= 1;
        await rig.WriteAsync("0:4-4", content);
        rig.Store = new CountingStore(rig.Replica) { WriteFailure = new ReplicaStoreException("The upload has failed.", null) };
        await AssertDamagedAsync(rig, Listing.ParseFile("0:4-4").Key);
    }

    [Fact]
    public async Task A_file_under_the_name_of_another_is_damaged()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        await rig.WriteAsync("0:3-3", rig.History.File(4, 4));
        var failure = await AssertDamagedAsync(rig, Listing.ParseFile("0:3-3").Key);
        Assert.Contains("not what its name says", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_history_is_not_merged_and_both_files_are_named()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        await rig.WriteAsync("0:4-4", HistoryOf(5, seed: 999).File(4, 4));
        var result = await rig.AssertNothingWrittenAsync(() => rig.CompactAsync());
        Assert.Equal((CompactionOutcome.Damaged, null), (result.Outcome, result.DamagedFile));
        Assert.StartsWith(
            $"{rig.Store.Name}: 0/0000000000000003-0000000000000003.ltx and {rig.Store.Name}: 0/0000000000000004-0000000000000004.ltx are not one history",
            Assert.IsType<LtxMergeException>(result.Failure).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_page_size_ends_the_merge_before_it()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(6), "0:1-1 0:2-2 0:3-3 0:4-4 0:5-5 0:6-6");
        var other = new History(1024).CaptureAtRandom(seed: 21, captures: 6, pagesMax: 5);
        foreach (var txid in new[] { 4, 5, 6 })
        {
            await rig.WriteAsync($"0:{txid}-{txid}", other.File(txid, txid));
        }

        await rig.ListAsync();
        var store = new CountingStore(rig.Replica);
        rig.Store = store;
        Assert.Equal((3, true), Facts(await rig.CompactAsync()));
        Assert.Equal((3, false), Facts(await rig.CompactAsync()));
        Assert.Equal("1:1-3 1:4-6", Listing.Text(rig.Catalog.At(new Level(1))));
        Assert.Equal(0, store.Open);

        static (int, bool) Facts(CompactionResult result) => (result.InputCount, result.HasMore);
    }

    [Fact]
    public async Task A_file_that_has_vanished_means_that_the_catalogue_is_stale()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        await rig.DeleteAsync("0:4-4");
        var store = new CountingStore(rig.Replica);
        rig.Store = store;
        var result = await rig.AssertNothingWrittenAsync(() => rig.CompactAsync());
        Assert.Equal(CompactionOutcome.Stale, result.Outcome);
        Assert.IsType<ReplicaFileNotFoundException>(result.Failure);
        Assert.Equal(0, store.Open);
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_accepted_as_written()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        rig.Store = new FaultingStore(rig.Replica, _ => null);
        var first = await rig.CompactAsync();
        await rig.ListAsync();
        rig.Catalog.Remove(first.File!.Value.Key);

        var again = await rig.CompactAsync();
        Assert.Equal((CompactionOutcome.Compacted, first.File), (again.Outcome, again.File));
        Assert.Contains("1:2-5", await rig.ListingAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_file_under_the_name_of_the_new_one_is_never_replaced()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        await rig.WriteAsync("1:2-5", HistoryOf(5, seed: 999).File(2, 5));
        var failure = await rig.AssertNothingWrittenAsync(() => Assert.ThrowsAsync<CompactionException>(() => rig.CompactAsync()));
        Assert.Contains("there is another file 1/0000000000000002-0000000000000005.ltx", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsTransient);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(200)]
    public async Task A_damaged_file_of_the_same_name_is_replaced_by_the_one_made_anew(int offset)
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        var file = (await rig.CompactAsync()).File!.Value;
        var whole = await rig.ReadAsync(file.Key);
        await DamageAsync(rig, file.Key, offset);
        rig.Catalog.Remove(file.Key);

        Assert.Equal(file, (await rig.CompactAsync()).File);
        Assert.Equal(whole, await rig.ReadAsync(file.Key));
    }

    [Fact]
    public async Task A_damaged_file_in_the_middle_of_a_level_is_made_again_from_the_levels_below()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(7), "9:1-1 0:2-2 0:3-3 1:2-3 1:4-5 2:2-5 0:4-4 0:5-5 0:6-6 0:7-7 1:6-7");
        var middle = Listing.ParseFile("1:4-5").Key;
        await DamageAsync(rig, middle, 200);
        rig.Catalog.Remove(middle);
        var step = new CompactionStep(rig.Store, CompactionRig.Lineage, rig.Disk, CompactionRig.Folder);
        var token = TestContext.Current.CancellationToken;

        Assert.Equal(middle, (await step.MakeAgainAsync(rig.Catalog, middle, token)).File!.Value.Key);
        await rig.DeleteAsync("0:2-2", "0:3-3", "0:4-4", "0:5-5", "2:2-5");
        await rig.AssertRestorableAsync(3, 5, 7);

        await rig.ListAsync();
        await DamageAsync(rig, middle, 200);
        rig.Catalog.Remove(middle);
        Assert.Equal(CompactionOutcome.Idle, (await step.MakeAgainAsync(rig.Catalog, middle, token)).Outcome);
    }

    [Fact]
    public async Task A_damaged_file_stays_when_somebody_else_may_write_there()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        var file = (await rig.CompactAsync()).File!.Value;
        await DamageAsync(rig, file.Key, 200);
        var damaged = await rig.ReadAsync(file.Key);
        rig.Catalog.Remove(file.Key);
        var step = new CompactionStep(
            rig.Store, CompactionRig.Lineage, rig.Disk, CompactionRig.Folder, confirm: _ => throw new InvalidOperationException("Not ours."));

        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await step.MakeAgainAsync(rig.Catalog, file.Key, TestContext.Current.CancellationToken));
        Assert.Equal(damaged, await rig.ReadAsync(file.Key));
    }

    [Fact]
    public async Task What_is_still_here_is_not_downloaded()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        var store = new CountingStore(rig.Replica);
        rig.Store = store;
        rig.OpenLocally = key => key.Name.MinTxid.Value is 4 or 5 ? new MemoryStream(Copy(rig, key)) : null;
        Assert.Equal(CompactionOutcome.Compacted, (await rig.CompactAsync()).Outcome);
        Assert.Equal("0:2-2 0:3-3", Listing.Text(store.Opened.Select(key => new LtxFileInfo(key, 0, default))));
        await rig.AssertRestorableAsync(5);
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("other")]
    [InlineData("broken")]
    [InlineData("unreadable")]
    public async Task A_copy_that_is_no_good_is_not_used(string kind)
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        rig.OpenLocally = key => kind switch
        {
            _ when key.Name.MinTxid.Value != 4 => null,
            "damaged" => new MemoryStream(Copy(rig, key)[..^1]),
            "unreadable" => throw new UnauthorizedAccessException("Nobody may read this."),
            "other" => new MemoryStream(HistoryOf(5, seed: 999).File(4, 4)),
            _ => new BreakingStream(Copy(rig, key), 150, new IOException("The disk is broken.")),
        };
        Assert.Equal(CompactionOutcome.Compacted, (await rig.CompactAsync()).Outcome);
        await rig.DeleteAsync("0:2-2", "0:3-3", "0:4-4", "0:5-5");
        await rig.AssertRestorableAsync(5);
    }

    [Fact]
    public async Task A_large_index_goes_to_the_disk_and_a_disk_that_fails_is_a_failure_with_a_place()
    {
        const uint Pages = 600_000;
        var rig = await CompactionRig.CreateAsync(HistoryOf(3), "");
        rig.Catalog.Add(await rig.WriteAsync("0:1-1", Image(Pages)));
        Assert.Equal(CompactionOutcome.Compacted, (await rig.CompactAsync(takesSingle: true)).Outcome);
        Assert.NotEqual(0, rig.Disk.Operations);
        Assert.Empty(rig.Disk.AllFiles);
        Assert.Equal(0, rig.Disk.OpenHandles);

        rig = await CompactionRig.CreateAsync(HistoryOf(3), "");
        rig.Catalog.Add(await rig.WriteAsync("0:1-1", Image(Pages)));
        rig.Disk.FailPowerAt(4);
        var failure = await Assert.ThrowsAsync<CompactionException>(() => rig.CompactAsync(takesSingle: true));
        Assert.Equal($"{CompactionRig.Folder}: cannot use temporary files: The power has failed.", failure.Message);
        Assert.True(failure.IsTransient);
        Assert.Equal("0:1-1", await rig.ListingAsync());
    }

    [Fact]
    public async Task Every_failure_of_the_store_leaves_nothing_and_the_next_run_goes_on()
    {
        foreach (var fault in Enum.GetValues<StoreFault>())
        {
            for (var call = 1; ; call++)
            {
                var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
                var faulting = FaultingStore.FailingAt(rig.Replica, call, fault);
                rig.Store = faulting;
                try
                {
                    var result = await rig.CompactAsync();
                    Assert.Equal(fault == StoreFault.NotFound && call <= 4 ? CompactionOutcome.Stale : CompactionOutcome.Compacted, result.Outcome);
                }
                catch (ReplicaStoreException e)
                {
                    Assert.True(e.IsTransient);
                }

                if (faulting.Calls < call)
                {
                    break;
                }

                Assert.Empty(rig.Disk.AllFiles);
                rig.Store = rig.Replica;
                await rig.CompactAsync();
                Assert.Equal("0:2-2 0:3-3 0:4-4 0:5-5 1:2-5 9:1-1", await rig.ListingAsync());
                await rig.AssertRestorableAsync(5);
            }
        }
    }

    [Fact]
    public async Task A_cancelled_run_writes_nothing_and_closes_everything()
    {
        var rig = await CompactionRig.CreateAsync(HistoryOf(5), Files);
        var store = new CountingStore(rig.Replica);
        rig.Store = store;
        using var cancellation = new CancellationTokenSource();
        rig.OpenLocally = key =>
        {
            if (key.Name.MinTxid.Value != 5)
            {
                return null;
            }

            return new HookedStream(Copy(rig, key), position => CancelAt(position, cancellation));
        };
        await rig.AssertNothingWrittenAsync(
            () => Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.CompactAsync(cancellationToken: cancellation.Token)));
        Assert.Equal(0, store.Open);

        static void CancelAt(long position, CancellationTokenSource cancellation)
        {
            if (position > 0)
            {
                cancellation.Cancel();
            }
        }
    }

    private static History HistoryOf(int captures, int seed = 21)
        => new History(512).CaptureAtRandom(seed, captures, pagesMax: 12);

    private static byte[] Image(uint pages)
    {
        var header = new LtxHeader
        {
            PageSize = new History(512).PageSize,
            Commit = pages,
            MinTxid = Txid.First,
            MaxTxid = Txid.First,
            TimestampMs = 1,
        };
        var image = new MemoryStream();
        using var writer = new LtxWriter(image, header);
        writer.WritePages(Enumerable.Range(1, (int)pages).Select(page => (uint)page).ToArray(), new byte[pages * 512L]);
        writer.Complete();
        return image.ToArray();
    }

    private static byte[] Copy(CompactionRig rig, LtxFileKey key)
        => rig.History.File((int)key.Name.MinTxid.Value, (int)key.Name.MaxTxid.Value);

    private static async Task DamageAsync(CompactionRig rig, LtxFileKey key, int offset)
    {
        var bytes = await rig.ReadAsync(key);
        bytes[offset] ^= 1;
        await rig.History.WriteAsync(rig.Replica, key, bytes);
    }

    private static async Task<TidemarkException> AssertDamagedAsync(CompactionRig rig, LtxFileKey key)
    {
        var result = await rig.AssertNothingWrittenAsync(() => rig.CompactAsync());
        Assert.Equal((CompactionOutcome.Damaged, key), (result.Outcome, result.DamagedFile));
        return result.Failure!;
    }

    private static async Task AssertDamagedOrSameAsync(CompactionRig rig, LtxFileKey key)
    {
        var result = await rig.CompactAsync();
        if (result.Outcome == CompactionOutcome.Damaged)
        {
            Assert.Equal(key, result.DamagedFile);
            Assert.Empty(rig.Catalog.At(new Level(1)));
            return;
        }

        // A bit that changes nothing, as in compressed data that expands to the same page.
        Assert.Equal(CompactionOutcome.Compacted, result.Outcome);
        await rig.AssertRestorableAsync(4);
        await rig.Replica.DeleteAsync([result.File!.Value.Key], default);
        rig.Catalog.Remove(result.File.Value.Key);
    }

    private static async Task RunHistoryAsync(int seed, int pageSize, bool isProven)
    {
        const int Captures = 40;
        var random = new Random(seed);
        var history = new History(pageSize, isProven).CaptureAtRandom(seed, Captures, pagesMax: pageSize == 65536 ? 5 : 20);
        var rig = await CompactionRig.CreateAsync(history, "9:1-1 0:1-1");
        for (var txid = 2; txid <= Captures; txid++)
        {
            rig.Catalog.Add(await history.WriteAsync(rig.Replica, Listing.File(0, (ulong)txid, (ulong)txid, txid).Key));
            for (var level = 1; level <= 3 && random.Next(3) == 0; level++)
            {
                var result = await rig.CompactAsync(level, takesSingle: random.Next(5) == 0);
                Assert.True(result.Outcome is CompactionOutcome.Idle or CompactionOutcome.Compacted);
            }
        }

        // What lies in a higher level is deleted from the lower ones, from the top down, at random.
        for (var level = 3; level >= 1; level--)
        {
            if (random.Next(2) == 0 && rig.Catalog.NewestAt(new Level(level)) is { } newest)
            {
                await rig.Replica.DeleteAsync(
                    [.. rig.Catalog.At(new Level(level - 1)).Where(file => file.MaxTxid <= newest.MaxTxid).Select(file => file.Key)], default);
            }
        }

        await rig.AssertRestorableAsync(
            [.. rig.Catalog.At(new Level(3)).Select(file => (int)file.MaxTxid.Value).Append(1).Append(Captures).Distinct()]);
    }
}
