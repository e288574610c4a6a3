using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>What is damaged or does not fit together is never published.</summary>
public sealed class RestoreVerificationTests
{
    private const string Output = "/data/app.db";
    private const string Files = "9:1-2 0:3-3 0:4-4";

    private readonly MemoryFileSystem _disk = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flipped_bit_anywhere_never_publishes_a_wrong_database(bool isProven)
    {
        var history = new History(512, isProven).CaptureAtRandom(seed: 11, captures: 4, pagesMax: 5);
        foreach (var damaged in Listing.Parse(Files))
        {
            var content = history.File((int)damaged.MinTxid.Value, (int)damaged.MaxTxid.Value);
            for (var i = 0; i < content.Length; i++)
            {
                content[i] ^= (byte)(1 << (i % 8));
                await AssertRefusedOrRightAsync(history, damaged.Key, content);
                content[i] ^= (byte)(1 << (i % 8));
            }
        }
    }

    [Fact]
    public async Task A_file_that_is_cut_or_goes_on_never_publishes_a_database()
    {
        var history = new History(512).CaptureAtRandom(seed: 12, captures: 4, pagesMax: 5);
        foreach (var damaged in Listing.Parse(Files))
        {
            var content = history.File((int)damaged.MinTxid.Value, (int)damaged.MaxTxid.Value);
            for (var length = 0; length < content.Length; length += Math.Max(1, (content.Length - length) / 20))
            {
                await AssertRefusedAsync(history, damaged.Key, content[..length]);
            }

            await AssertRefusedAsync(history, damaged.Key, [.. content, 0]);
        }
    }

    [Theory]
    [InlineData("9:1-2 0:3-3 0:4-4", "0:4-4", 3, "Restore TXID 0000000000000003 of 2026-")]
    [InlineData("9:1-2 0:3-3 0:4-4", "0:3-3", 2, "Restore TXID 0000000000000002 of 2026-")]
    [InlineData("0:1-1 1:2-4 0:2-2", "1:2-4", 2, "Restore TXID 0000000000000002 of 2026-")]
    [InlineData("9:1-2 0:3-3 0:4-4", "9:1-2", null, "Restore from another replica")]
    [InlineData("9:1-2 0:3-3 0:4-4 1:1-3", "0:4-4", 3, "Restore TXID 0000000000000003 of 2026-")]
    public async Task Damage_says_what_can_be_restored_and_that_can_be_restored(string files, string damaged, int? restorable, string hint)
    {
        var history = new History(512).CaptureAtRandom(seed: 21, captures: 4, pagesMax: 5);
        var store = await history.StoreAsync(files);
        var key = Key(damaged);
        var content = history.File((int)key.Name.MinTxid.Value, (int)key.Name.MaxTxid.Value);
        content[^20] ^= 1;
        await history.WriteAsync(store, key, content);

        var failure = await Assert.ThrowsAsync<DamagedFileException>(() => RunAsync(store, _disk));

        Assert.StartsWith(hint, failure.Hint, StringComparison.Ordinal);
        Assert.StartsWith($"{store.Name}: {key}: ", failure.Message, StringComparison.Ordinal);
        Assert.Equal((key, restorable is { } txid ? new Txid((ulong)txid) : null), (failure.Key, failure.RestorableTxid));
        if (failure.RestorableTxid is { } left)
        {
            Assert.Contains(RestoreTarget.TextOf(History.TimeOf((int)left.Value)), failure.Hint, StringComparison.Ordinal);
            await new RestoreStep(store, _disk, TimeProvider.System)
                .RunAsync(new RestoreTarget.AtTxid(left), new RestoreOptions { OutputPath = Output }, default);
            Assert.Equal(history.At((int)left.Value), _disk.ReadAllBytes(Output));
        }
    }

    [Theory]
    [InlineData("9:1-2 1:3-4 0:3-3 0:4-4", "1:3-4")]
    [InlineData("9:1-4 0:1-1 1:2-4", "9:1-4")]
    [InlineData("9:1-3 0:1-1 1:2-4", "9:1-3")]
    [InlineData("9:1-4 1:1-4 0:1-1 0:2-2 0:3-3 0:4-4", "9:1-4 1:1-4")]
    public async Task Damage_is_walked_around_where_other_files_lead_to_the_same_state(string files, string damaged)
    {
        foreach (var spoil in (Func<byte[], byte[]>[])[Flip, content => content[..100], _ => []])
        {
            var history = new History(512).CaptureAtRandom(seed: 22, captures: 4, pagesMax: 40);
            var store = await history.StoreAsync(files);
            foreach (var file in Listing.Parse(damaged))
            {
                await history.WriteAsync(
                    store, file.Key, spoil(history.File((int)file.MinTxid.Value, (int)file.MaxTxid.Value)));
            }

            foreach (var target in (RestoreTarget[])
                [new RestoreTarget.Latest(), new RestoreTarget.AtTxid(new Txid(4)), new RestoreTarget.Before(History.TimeOf(9))])
            {
                var found = new List<DamagedFile>();
                var options = new RestoreOptions { OutputPath = Output, Overwrite = true, OnDamagedFile = found.Add };
                var result = await new RestoreStep(store, _disk, TimeProvider.System).RunAsync(target, options, default);
                Assert.Equal((new Txid(4), target), (result.Txid, result.Plan.Target));
                Assert.Equal(history.At(4), _disk.ReadAllBytes(Output));
                Assert.All(
                    found,
                    file => Assert.StartsWith($"{store.Name}: {file.File.Key}: ", file.Failure.Message, StringComparison.Ordinal));
                Assert.NotEmpty(found);
            }
        }

        static byte[] Flip(byte[] content)
        {
            content[^20] ^= 1;
            return content;
        }
    }

    [Fact]
    public async Task When_the_last_way_around_is_damaged_too_the_state_before_it_is_named()
    {
        var history = new History(512).CaptureAtRandom(seed: 25, captures: 4, pagesMax: 5);
        var store = await history.StoreAsync("9:1-4 9:1-2 1:3-4 0:3-3 0:4-4");
        foreach (var damaged in Listing.Parse("9:1-4 1:3-4 0:4-4"))
        {
            await history.WriteAsync(store, damaged.Key, [1, 2, 3]);
        }

        var failure = await Assert.ThrowsAsync<DamagedFileException>(() => RunAsync(store, _disk));

        Assert.Equal((Key("0:4-4"), new Txid(3)), (failure.Key, failure.RestorableTxid));
        Assert.Empty(_disk.AllFiles);
    }

    [Fact]
    public async Task A_cut_newest_file_is_damage_and_no_reason_to_restore_an_older_state()
    {
        var history = new History(512).CaptureAtRandom(seed: 23, captures: 4, pagesMax: 200);
        var store = await history.StoreAsync("0:1-1 0:2-2 0:3-3 0:4-4");
        await history.WriteAsync(store, Key("0:4-4"), history.File(4, 4)[..100]);
        await history.WriteAsync(store, Key("0:1-1"), history.File(1, 1)[..100]);

        var failure = await Assert.ThrowsAsync<DamagedFileException>(() => RunAsync(store, _disk));

        Assert.Equal("Restore from another replica: no state before the file can be restored.", failure.Hint);
        await history.WriteAsync(store, Key("0:1-1"), history.File(1, 1));
        failure = await Assert.ThrowsAsync<DamagedFileException>(() => RunAsync(store, _disk));
        Assert.Equal((Key("0:4-4"), new Txid(3)), (failure.Key, failure.RestorableTxid));
        Assert.Empty(_disk.AllFiles);
    }

    [Fact]
    public async Task A_file_under_the_name_of_another_is_walked_around()
    {
        var history = new History(512).CaptureAtRandom(seed: 24, captures: 4, pagesMax: 5);
        var store = await history.StoreAsync("9:1-2 1:3-4 0:3-3 0:4-4");
        await history.WriteAsync(store, Key("1:3-4"), history.File(4, 4));
        await RunAsync(store, _disk);
        Assert.Equal(history.At(4), _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task A_file_under_the_name_of_another_is_refused()
    {
        var history = new History(512).CaptureAtRandom(seed: 13, captures: 4, pagesMax: 5);
        var failure = await AssertRefusedAsync(history, Key("0:3-3"), history.File(4, 4));
        Assert.Contains("not what its name says", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_of_two_page_sizes_are_refused()
    {
        var history = new History(512).CaptureAtRandom(seed: 14, captures: 4, pagesMax: 5);
        var other = new History(1024).CaptureAtRandom(seed: 14, captures: 4, pagesMax: 5);
        var failure = await AssertRefusedAsync(history, Key("0:3-3"), other.File(3, 3));
        Assert.Contains("1024 bytes, but those of later files have 512", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_that_is_in_no_file_is_named()
    {
        var history = new History(512, isProven: false)
            .Capture(3, (1, 1), (2, 2), (3, 3)).Capture(3, (1, 4)).Capture(9, (5, 5)).Capture(9, (1, 6));
        var failure = await AssertRefusedAsync(history, Key("0:3-3"), history.File(3, 3, keeps: page => page is not (6 or 8)));
        Assert.Equal("Page 6 of 9 is in no file of the plan.", failure.Message);
    }

    [Fact]
    public async Task A_database_larger_than_its_files_can_be_is_refused_before_room_is_made()
    {
        var history = new History(512).CaptureAtRandom(seed: 15, captures: 4, pagesMax: 5);
        var faulty = new FaultyFileSystem(_disk, failAt: 0);
        var store = await history.StoreAsync(Files);
        await history.WriteAsync(store, Key("0:4-4"), history.File(4, 4, header => header with { Commit = uint.MaxValue }));
        var failure = await Assert.ThrowsAsync<RestoreVerificationException>(() => RunAsync(store, faulty));
        Assert.Contains("4294967295 pages", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_disk.AllFiles);
    }

    [Fact]
    public async Task A_file_that_another_writer_made_breaks_the_proof()
    {
        var history = new History(512).CaptureAtRandom(seed: 16, captures: 4, pagesMax: 5);
        var other = new History(512).CaptureAtRandom(seed: 17, captures: 4, pagesMax: 5);
        var failure = await AssertRefusedAsync(history, Key("0:3-3"), other.File(3, 3));
        Assert.IsType<RestoreVerificationException>(failure);
        Assert.Contains("continues one of checksum", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_not_what_its_newest_file_leads_to_is_refused()
    {
        var history = new History(512).Capture(3, (1, 1), (2, 2), (3, 3)).Capture(3, (1, 4)).Capture(3, (2, 5)).Capture(3, (3, 6));
        var otherwise = new History(512, isProven: false).Capture(3, (1, 1), (2, 2), (3, 3)).Capture(3, (1, 4)).Capture(3, (2, 99));
        var failure = await AssertRefusedAsync(history, Key("0:3-3"), otherwise.File(3, 3));
        Assert.IsType<RestoreVerificationException>(failure);
        Assert.Contains("The restored database has the checksum", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proof_of_the_newest_file_is_compared_even_if_no_other_file_has_one()
    {
        var history = new History(512, isProven: false).CaptureAtRandom(seed: 18, captures: 4, pagesMax: 5);
        var store = await history.StoreAsync(Files);
        var right = new LtxProof(null, history.ChecksumAt(4));
        await history.WriteAsync(store, Key("0:4-4"), history.File(4, 4, header => header with { Proof = right }));
        Assert.True((await RunAsync(store, _disk)).IsProven);

        var wrong = new LtxProof(null, history.ChecksumAt(4).Toggle(1));
        await AssertRefusedAsync(history, Key("0:4-4"), history.File(4, 4, header => header with { Proof = wrong }));
    }

    [Fact]
    public async Task Files_without_a_proof_are_accepted()
    {
        var history = new History(512, isProven: false).CaptureAtRandom(seed: 19, captures: 4, pagesMax: 5);
        Assert.False((await RunAsync(await history.StoreAsync(Files), _disk)).IsProven);
        Assert.Equal(history.At(4), _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task A_hole_publishes_nothing()
    {
        var history = new History(512).CaptureAtRandom(seed: 20, captures: 4, pagesMax: 5);
        await Assert.ThrowsAsync<ReplicaHoleException>(async () => await RunAsync(await history.StoreAsync("9:1-2 0:4-4"), _disk));
        Assert.Empty(_disk.AllFiles);
    }

    private static LtxFileKey Key(string text) => Listing.ParseFile(text).Key;

    private static Task<RestoreResult> RunAsync(MemoryStore store, Tidemark.Replicas.Files.IFileSystem disk)
        => new RestoreStep(store, disk, TimeProvider.System)
            .RunAsync(new RestoreTarget.Latest(), new RestoreOptions { OutputPath = Output, Overwrite = true, Parallelism = 2 }, default)
            .AsTask();

    private async Task<TidemarkException> AssertRefusedAsync(History history, LtxFileKey key, byte[] content)
    {
        _disk.Delete(Output);
        var store = await history.StoreAsync(Files);
        await history.WriteAsync(store, key, content);
        var failure = await Assert.ThrowsAnyAsync<TidemarkException>(() => RunAsync(store, _disk));
        Assert.False(failure.IsTransient);
        Assert.Empty(_disk.AllFiles);
        Assert.Equal(0, _disk.OpenHandles);
        return failure;
    }

    private async Task AssertRefusedOrRightAsync(History history, LtxFileKey key, byte[] content)
    {
        _disk.Delete(Output);
        var store = await history.StoreAsync(Files);
        await history.WriteAsync(store, key, content);
        try
        {
            await RunAsync(store, _disk);

            // A bit that changes nothing, as in compressed data that expands to the same page.
            Assert.Equal(history.At(4), _disk.ReadAllBytes(Output));
        }
        catch (TidemarkException)
        {
            Assert.Empty(_disk.AllFiles);
        }
    }
}
