using System.Collections.Concurrent;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;
using Xunit;

namespace Tidemark.Testing.Stores;

/// <summary>What every store promises. The test class of a store derives from this and adds only what is special about it.</summary>
/// <remarks>Files of the suite are arbitrary bytes: a store does not look into them.</remarks>
public abstract class ReplicaStoreContract
{
    private static readonly DateTimeOffset s_created = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);

    /// <summary>A new store without files. It is used for one test.</summary>
    protected abstract IReplicaStore CreateStore();

    /// <summary>Puts something among the files of a level that is not an LTX file, where the store can hold such a thing.</summary>
    protected virtual ValueTask AddForeignFileAsync(Level level, string name) => ValueTask.CompletedTask;

    [Fact]
    public async Task A_level_without_files_is_an_empty_listing()
    {
        var store = CreateStore();
        foreach (var level in Level.All)
        {
            Assert.Empty(await ListAsync(store, level));
        }
    }

    [Fact]
    public async Task A_written_file_reads_back_as_it_was()
    {
        var store = CreateStore();
        foreach (var size in new[] { 0, 1, 131, 128 * 1024, (3 * 128 * 1024) + 17 })
        {
            var content = Content(size, seed: size);
            await store.WriteAsync(Key(0, 1), s_created, new MemoryStream(content), default);
            Assert.Equal(content, await ReadAsync(store, Key(0, 1)));
        }
    }

    [Fact]
    public async Task A_write_returns_what_a_listing_shows()
    {
        var store = CreateStore();
        var written = await WriteAsync(store, Key(3, 5, 9), size: 777);
        Assert.Equal([written], await ListAsync(store, 3));
        Assert.Equal(new LtxFileInfo(Key(3, 5, 9), 777, s_created), written);
    }

    [Fact]
    public async Task The_time_of_creation_is_kept_to_the_millisecond()
    {
        var store = CreateStore();
        DateTimeOffset[] times = [.. new long[] { 1, 999, 1_000, 1_790_000_000_001, 1_790_000_000_999, 4_000_000_000_500 }
            .Select(DateTimeOffset.FromUnixTimeMilliseconds)];
        for (var i = 0; i < times.Length; i++)
        {
            await store.WriteAsync(Key(0, i + 1), times[i], new MemoryStream(Content(10)), default);
        }

        Assert.Equal(times, (await ListAsync(store, 0)).Select(file => file.Created));
    }

    [Fact]
    public async Task A_listing_is_in_the_order_of_first_then_last_txid()
    {
        var store = CreateStore();
        LtxFileKey[] ordered = [Key(2, 1, 1), Key(2, 1, 16), Key(2, 2, 3), Key(2, 4, 8), Key(2, 9, 9), Key(2, 255, 256), Key(2, 256, 256)];
        foreach (var key in ordered.OrderBy(key => key.Name.MaxTxid.Value * 7 % 5))
        {
            await WriteAsync(store, key);
        }

        Assert.Equal(ordered, (await ListAsync(store, 2)).Select(file => file.Key));
    }

    [Fact]
    public async Task A_listing_begins_with_the_first_file_that_starts_at_the_asked_for_txid_or_later()
    {
        var store = CreateStore();
        LtxFileKey[] keys = [Key(1, 1, 4), Key(1, 5, 5), Key(1, 6, 9), Key(1, 10, 10)];
        foreach (var key in keys)
        {
            await WriteAsync(store, key);
        }

        for (var from = 0UL; from <= 11; from++)
        {
            Assert.Equal(
                keys.Where(key => key.Name.MinTxid.Value >= from),
                (await ListAsync(store, 1, new Txid(from))).Select(file => file.Key));
        }
    }

    [Fact]
    public async Task More_than_a_thousand_files_are_listed_each_once()
    {
        var store = CreateStore();
        await Parallel.ForAsync(
            1,
            1_051,
            new ParallelOptions { MaxDegreeOfParallelism = 32 },
            async (txid, token) => await WriteAsync(store, Key(0, txid), size: 1, token));

        Assert.Equal(Enumerable.Range(1, 1_050).Select(txid => Key(0, txid)), (await ListAsync(store, 0)).Select(file => file.Key));
    }

    [Fact]
    public async Task Levels_do_not_see_each_others_files()
    {
        var store = CreateStore();
        foreach (var level in Level.All)
        {
            await store.WriteAsync(new LtxFileKey(level, Name(1, 1)), s_created, new MemoryStream(Content(100, level.Value)), default);
        }

        await store.DeleteAsync([Key(4, 1)], default);
        foreach (var level in Level.All)
        {
            Assert.Equal(level.Value == 4 ? 0 : 1, (await ListAsync(store, level)).Count);
            if (level.Value != 4)
            {
                Assert.Equal(Content(100, level.Value), await ReadAsync(store, new LtxFileKey(level, Name(1, 1))));
            }
        }
    }

    [Fact]
    public async Task A_range_of_a_file_is_read_from_its_offset_for_its_length_and_never_past_the_end()
    {
        var store = CreateStore();
        var content = Content(1_000);
        await store.WriteAsync(Key(0, 1), s_created, new MemoryStream(content), default);
        foreach (var offset in new[] { 0, 1, 499, 999, 1_000, 1_001, 5_000 })
        {
            foreach (var length in new int?[] { null, 0, 1, 500, 1_000, 2_000 })
            {
                var expected = content.Skip(offset).Take(length ?? int.MaxValue);
                Assert.Equal(expected, await ReadAsync(store, Key(0, 1), offset, length));
            }
        }
    }

    [Fact]
    public async Task Opening_a_file_that_is_not_there_says_so()
    {
        var store = CreateStore();
        var failure = await Assert.ThrowsAsync<ReplicaFileNotFoundException>(
            async () => await store.OpenAsync(Key(0, 1), 0, null, default));
        Assert.Equal(Key(0, 1), failure.Key);
        Assert.False(failure.IsTransient);

        await WriteAsync(store, Key(0, 2));
        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(async () => await store.OpenAsync(Key(0, 1), 0, null, default));
    }

    [Fact]
    public async Task A_stream_may_be_closed_twice_and_before_its_end()
    {
        var store = CreateStore();
        await WriteAsync(store, Key(0, 1));
        var stream = await store.OpenAsync(Key(0, 1), 0, null, default);
        _ = stream.ReadByte();
        await stream.DisposeAsync();
        await stream.DisposeAsync();
    }

    [Fact]
    public async Task Writing_a_name_again_replaces_the_whole_file()
    {
        var store = CreateStore();
        await WriteAsync(store, Key(0, 1), size: 5_000);
        var shorter = Content(40, seed: 2);
        await store.WriteAsync(Key(0, 1), s_created.AddHours(1), new MemoryStream(shorter), default);
        Assert.Equal(shorter, await ReadAsync(store, Key(0, 1)));
        Assert.Equal([new LtxFileInfo(Key(0, 1), 40, s_created.AddHours(1))], await ListAsync(store, 0));
    }

    [Fact]
    public async Task A_file_is_created_once_and_what_is_there_is_never_replaced()
    {
        var store = CreateStore();
        var created = await store.CreateAsync(Key(0, 1), s_created, new MemoryStream(Content(5_000)), default);
        Assert.Equal(new LtxFileInfo(Key(0, 1), 5_000, s_created), created);

        var refused = await Assert.ThrowsAsync<ReplicaFileExistsException>(async () => await store.CreateAsync(
            Key(0, 1), s_created.AddHours(1), new MemoryStream(Content(40, seed: 2)), default));

        Assert.Equal(Key(0, 1), refused.Key);
        Assert.False(refused.IsTransient);
        Assert.Equal([created], await ListAsync(store, 0));
        Assert.Equal(Content(5_000), await ReadAsync(store, Key(0, 1)));
    }

    [Fact]
    public async Task A_file_that_was_written_cannot_be_created_and_one_that_was_deleted_can()
    {
        var store = CreateStore();
        await WriteAsync(store, Key(0, 1));
        await Assert.ThrowsAsync<ReplicaFileExistsException>(
            async () => await store.CreateAsync(Key(0, 1), s_created, new MemoryStream(Content(40)), default));
        await store.DeleteAsync([Key(0, 1)], default);
        await store.CreateAsync(Key(0, 1), s_created, new MemoryStream(Content(40)), default);
        Assert.Equal(Content(40), await ReadAsync(store, Key(0, 1)));
    }

    [Fact]
    public async Task Of_those_who_create_one_name_at_once_exactly_one_succeeds_and_its_file_is_whole()
    {
        var store = CreateStore();
        for (var txid = 1; txid <= 10; txid++)
        {
            var key = Key(0, txid);
            var winners = new ConcurrentQueue<int>();
            await Parallel.ForAsync(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (writer, token) =>
            {
                try
                {
                    await store.CreateAsync(key, s_created, new MemoryStream(Content(50_000 + writer, writer)), token);
                    winners.Enqueue(writer);
                }
                catch (ReplicaFileExistsException)
                {
                    // Another one was faster.
                }
            });
            var winner = Assert.Single(winners);
            Assert.Equal(Content(50_000 + winner, winner), await ReadAsync(store, key));
        }

        Assert.Equal(10, (await ListAsync(store, 0)).Count);
    }

    [Fact]
    public async Task A_content_that_fails_creates_nothing()
    {
        var store = CreateStore();
        foreach (var breaksAt in new[] { 0, 1, 200_000 })
        {
            var failure = new InvalidDataException("the caller's own failure");
            var thrown = await Assert.ThrowsAnyAsync<Exception>(async () => await store.CreateAsync(
                Key(0, 1), s_created, new BreakingStream(Content(300_000), breaksAt, failure), default));
            Assert.Same(failure, thrown);
            Assert.Empty(await ListAsync(store, 0));
        }

        await store.CreateAsync(Key(0, 1), s_created, new MemoryStream(Content(10)), default);
    }

    [Fact]
    public async Task A_claim_reads_back_as_it_was_written_last()
    {
        var store = CreateStore();
        Assert.Null(await store.ReadClaimAsync(default));
        foreach (var claim in new[] { "a longer claim\nof two lines\n", "shorter\n", "Rechner-\u00e4\u00f6\n", "" })
        {
            await store.WriteClaimAsync(claim, default);
            Assert.Equal(claim, await store.ReadClaimAsync(default));
        }
    }

    [Fact]
    public async Task A_claim_is_in_no_listing_and_has_nothing_to_do_with_files()
    {
        var store = CreateStore();
        await store.WriteClaimAsync("claim", default);
        foreach (var level in Level.All)
        {
            Assert.Empty(await ListAsync(store, level));
        }

        await WriteAsync(store, Key(0, 1));
        await store.DeleteAsync([Key(0, 1)], default);
        Assert.Equal("claim", await store.ReadClaimAsync(default));
    }

    [Fact]
    public async Task Of_claims_that_are_written_at_once_one_stays_whole()
    {
        var store = CreateStore();
        await Parallel.ForAsync(0, 32, async (writer, token) =>
        {
            await store.WriteClaimAsync(new string((char)('a' + (writer % 26)), 100 + writer), token);
            var seen = await store.ReadClaimAsync(token);
            Assert.Single(seen!.Distinct());
        });
        Assert.InRange((await store.ReadClaimAsync(default))!.Length, 100, 131);
    }

    [Fact]
    public async Task A_deleted_file_is_gone_and_others_stay()
    {
        var store = CreateStore();
        await WriteAsync(store, Key(0, 1));
        await WriteAsync(store, Key(0, 2));
        await WriteAsync(store, Key(0, 3));
        await store.DeleteAsync([Key(0, 1), Key(0, 3)], default);
        Assert.Equal([Key(0, 2)], (await ListAsync(store, 0)).Select(file => file.Key));
        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(async () => await store.OpenAsync(Key(0, 3), 0, null, default));
    }

    [Fact]
    public async Task Deleting_a_file_that_is_not_there_is_not_an_error()
    {
        var store = CreateStore();
        await store.DeleteAsync([Key(0, 1)], default);
        await WriteAsync(store, Key(0, 2));
        await store.DeleteAsync([Key(0, 1), Key(0, 2), Key(7, 3)], default);
        await store.DeleteAsync([], default);
        Assert.Empty(await ListAsync(store, 0));
    }

    [Fact]
    public async Task A_content_that_fails_leaves_nothing()
    {
        var store = CreateStore();
        foreach (var breaksAt in new[] { 0, 1, 200_000 })
        {
            var failure = new InvalidDataException("the caller's own failure");
            var thrown = await Assert.ThrowsAnyAsync<Exception>(async () => await store.WriteAsync(
                Key(0, 1), s_created, new BreakingStream(Content(300_000), breaksAt, failure), default));
            Assert.Same(failure, thrown);
            Assert.Empty(await ListAsync(store, 0));
            await Assert.ThrowsAsync<ReplicaFileNotFoundException>(async () => await store.OpenAsync(Key(0, 1), 0, null, default));
        }
    }

    [Fact]
    public async Task A_content_that_fails_leaves_the_older_file_of_that_name()
    {
        var store = CreateStore();
        var written = await WriteAsync(store, Key(0, 1), size: 300);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await store.WriteAsync(
            Key(0, 1), s_created.AddHours(1), new BreakingStream(Content(300_000), 200_000, new InvalidDataException()), default));
        Assert.Equal([written], await ListAsync(store, 0));
        Assert.Equal(Content(300), await ReadAsync(store, Key(0, 1)));
    }

    [Fact]
    public async Task A_write_that_is_cancelled_midway_leaves_nothing()
    {
        var store = CreateStore();
        using var cancellation = new CancellationTokenSource();
        var content = new HookedStream(Content(400_000), whenRead: position =>
        {
            if (position > 150_000)
            {
                cancellation.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await store.WriteAsync(Key(0, 1), s_created, content, cancellation.Token));
        Assert.Empty(await ListAsync(store, 0));
    }

    [Fact]
    public async Task Calls_that_were_cancelled_before_they_began_do_nothing()
    {
        var store = CreateStore();
        var written = await WriteAsync(store, Key(0, 1));
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await WriteAsync(store, Key(0, 2), cancellationToken: cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.OpenAsync(Key(0, 1), 0, null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.DeleteAsync([Key(0, 1)], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await ListAsync(store, 0, cancellationToken: cancelled));
        Assert.Equal([written], await ListAsync(store, 0));
    }

    [Fact]
    public async Task A_file_is_not_seen_before_it_is_whole()
    {
        var store = CreateStore();
        List<int> seen = [];
        var content = new HookedStream(
            Content(400_000), whenRead: _ => seen.Add(ListAsync(store, 0).AsTask().GetAwaiter().GetResult().Count));
        await store.WriteAsync(Key(0, 1), s_created, content, default);
        Assert.All(seen, count => Assert.Equal(0, count));
        Assert.Single(await ListAsync(store, 0));
    }

    [Fact]
    public async Task A_content_is_read_to_its_end_and_not_closed()
    {
        var store = CreateStore();
        var content = new MemoryStream(Content(10_000));
        await store.WriteAsync(Key(0, 1), s_created, content, default);
        Assert.True(content.CanRead);
        Assert.Equal(10_000, content.Position);
    }

    [Fact]
    public async Task Files_can_be_written_at_once()
    {
        var store = CreateStore();
        await Parallel.ForAsync(1, 41, async (txid, token) => await store.WriteAsync(
            Key(txid % 3, txid), s_created, new MemoryStream(Content(20_000, txid)), token));
        for (var txid = 1; txid <= 40; txid++)
        {
            Assert.Equal(Content(20_000, txid), await ReadAsync(store, Key(txid % 3, txid)));
        }
    }

    [Fact]
    public async Task Of_writers_of_one_name_one_wins_whole()
    {
        var store = CreateStore();
        await Parallel.ForAsync(0, 16, async (writer, token) => await store.WriteAsync(
            Key(0, 1), s_created, new MemoryStream(Content(150_000 + writer, writer)), token));
        var content = await ReadAsync(store, Key(0, 1));
        Assert.Equal(Content(content.Length, content.Length - 150_000), content);
        Assert.Single(await ListAsync(store, 0));
    }

    [Fact]
    public async Task Names_that_are_not_those_of_ltx_files_are_not_listed()
    {
        var store = CreateStore();
        var written = await WriteAsync(store, Key(0, 10));
        string[] foreign =
        [
            "0000000000000001-0000000000000001.ltx.tmp", "0000000000000001-0000000000000001.LTX", "000000000000000A-000000000000000A.ltx",
            "0000000000000002-0000000000000001.ltx", "0000000000000000-0000000000000001.ltx", "1-1.ltx", ".ltx", "readme.txt",
            " 0000000000000001-0000000000000001.ltx",
        ];
        foreach (var name in foreign)
        {
            await AddForeignFileAsync(Level.Captured, name);
        }

        Assert.Equal([written], await ListAsync(store, 0));
    }

    /// <summary>The key of a file by plain numbers; one TXID unless a last one is given.</summary>
    protected static LtxFileKey Key(int level, int min, int? max = null) => new(new Level(level), Name(min, max ?? min));

    /// <summary>Bytes that differ from one seed to the next.</summary>
    protected static byte[] Content(int size, int seed = 1)
    {
        var content = new byte[size];
        new Random(seed).NextBytes(content);
        return content;
    }

    /// <summary>Writes a file of random bytes.</summary>
    protected static ValueTask<LtxFileInfo> WriteAsync(
        IReplicaStore store, LtxFileKey key, int size = 200, CancellationToken cancellationToken = default)
        => store.WriteAsync(key, s_created, new MemoryStream(Content(size)), cancellationToken);

    /// <summary>The whole listing of a level.</summary>
    protected static ValueTask<List<LtxFileInfo>> ListAsync(
        IReplicaStore store, int level, Txid from = default, CancellationToken cancellationToken = default)
        => ListAsync(store, new Level(level), from, cancellationToken);

    private static async ValueTask<List<LtxFileInfo>> ListAsync(
        IReplicaStore store, Level level, Txid from = default, CancellationToken cancellationToken = default)
    {
        var files = new List<LtxFileInfo>();
        await foreach (var file in store.ListAsync(level, from, cancellationToken))
        {
            files.Add(file);
        }

        return files;
    }

    private static LtxFileName Name(int min, int max) => new(new Txid((ulong)min), new Txid((ulong)max));

    private static async ValueTask<byte[]> ReadAsync(IReplicaStore store, LtxFileKey key, long offset = 0, long? length = null)
    {
        await using var stream = await store.OpenAsync(key, offset, length, default);
        var content = new MemoryStream();
        await stream.CopyToAsync(content);
        return content.ToArray();
    }
}
