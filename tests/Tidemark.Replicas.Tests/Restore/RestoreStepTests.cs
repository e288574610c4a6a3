using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

public sealed class RestoreStepTests
{
    private const string Output = "/data/app.db";

    private readonly MemoryFileSystem _disk = new();

    [Fact]
    public async Task A_restored_database_has_the_bytes_of_its_state()
    {
        var history = new History().CaptureAtRandom(seed: 1, captures: 9, pagesMax: 20);
        var result = await RestoreAsync(await history.StoreAsync("9:1-3 1:4-6 0:7-7 0:8-8 0:9-9"));
        Assert.Equal(history.At(9), _disk.ReadAllBytes(Output));
        Assert.Equal([Output], _disk.AllFiles);
        Assert.Equal(0, _disk.OpenHandles);
        Assert.Equal((9UL, history.PageSize, history.At(9).LongLength), (result.Txid.Value, result.PageSize, result.SizeBytes));
        Assert.Equal(result.Plan.TotalSizeBytes, result.BytesRead);
        Assert.True(result.IsProven);
    }

    [Fact]
    public void The_newest_version_of_each_page_wins_whatever_the_files()
        => Gen.Select(Gen.Int[0, int.MaxValue], GenPageSize, Gen.Bool, Gen.Int[1, 3]).Sample(
            (seed, pageSize, isProven, parallelism) =>
            {
                var random = new Random(seed);
                var history = new History(pageSize, isProven).CaptureAtRandom(seed, captures: 8, pagesMax: pageSize == 65536 ? 6 : 24);
                var files = RandomFiles(random, last: 8);
                var store = history.StoreAsync(files).GetAwaiter().GetResult();
                var disk = new MemoryFileSystem();
                RunAsync(store, disk, new RestoreOptions { OutputPath = Output, Parallelism = parallelism }).GetAwaiter().GetResult();
                return history.At(8).AsSpan().SequenceEqual(disk.ReadAllBytes(Output));
            },
            iter: 150);

    [Fact]
    public async Task Files_of_many_parts_are_put_together_with_any_parallelism()
    {
        var history = new History(65536);
        history.Capture(90, [.. Enumerable.Range(1, 90).Select(page => (page, (byte)page))]);
        history.Capture(80, [.. Enumerable.Range(10, 50).Select(page => (page, (byte)(page + 1)))]);
        history.Capture(85, (1, 7), (3, 8), (84, 9));
        var store = await history.StoreAsync("9:1-1 0:2-2 0:3-3");
        foreach (var parallelism in new[] { 1, 2, 3, 16 })
        {
            await RunAsync(store, _disk, new RestoreOptions { OutputPath = Output, Parallelism = parallelism, Overwrite = true });
            Assert.Equal(history.At(3), _disk.ReadAllBytes(Output));
        }
    }

    [Fact]
    public async Task The_lock_page_is_in_no_file_and_stays_empty()
    {
        const int LockPage = 16385;
        Assert.True(PageSize.TryFromBytes(65536, out var pageSize));
        var database = new SparseFile();
        var store = new MemoryStore();
        await store.WriteAsync(Key("9:1-1"), DateTimeOffset.UnixEpoch, new MemoryStream(ZeroImage(pageSize, LockPage + 2)), default);
        var page = new byte[pageSize.Bytes];
        page.AsSpan().Fill(7);
        await store.WriteAsync(Key("0:2-2"), DateTimeOffset.UnixEpoch, new MemoryStream(TwoPages(pageSize, LockPage, page)), default);
        var plan = RestorePlan.From(await ReplicaListing.ReadAllAsync(store, default), new RestoreTarget.Latest());

        await new Materialiser(store, plan, new DatabaseFileSink(database, "db"), parallelism: 2, time: null, progress: null).RunAsync(default);

        Assert.Equal((LockPage + 2L) * pageSize.Bytes, database.Length);
        Assert.Equal([LockPage - 1L, LockPage + 1L], database.FilledPages(pageSize.Bytes));
        Assert.Equal((LockPage + 1L) * pageSize.Bytes, database.BytesWritten);
    }

    [Fact]
    public async Task A_database_without_pages_is_an_empty_file()
    {
        var history = new History(isProven: false).Capture(2, (1, 1)).Capture(0);
        var header = new LtxHeader
        {
            TracksChecksums = true, // The format has no other way to write such a file.
            PageSize = history.PageSize,
            Commit = 0,
            MinTxid = new Txid(2),
            MaxTxid = new Txid(2),
            TimestampMs = 1,
            PreApplyChecksum = history.ChecksumAt(1).Value,
        };
        using var stream = new MemoryStream();
        using var writer = new LtxWriter(stream, header);
        writer.Complete(header, DatabaseChecksum.Empty.Value);

        var store = await history.StoreAsync("0:1-1");
        await history.WriteAsync(store, Key("0:2-2"), stream.ToArray());
        await RestoreAsync(store);
        Assert.Empty(_disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task Progress_ends_with_everything()
    {
        var history = new History(65536).CaptureAtRandom(seed: 3, captures: 3, pagesMax: 40).Capture(40, (2, 2));
        var store = await history.StoreAsync("0:1-1 0:2-2 0:3-3 0:4-4");
        var reports = new Reports();
        var result = await RunAsync(store, _disk, new RestoreOptions { OutputPath = Output, Progress = reports });
        Assert.Equal(new RestoreProgress(result.BytesRead, result.Plan.TotalSizeBytes, 40, 40), reports.All[^1]);
        Assert.Equal(reports.All.OrderBy(report => report.BytesRead).ThenBy(report => report.PagesWritten), reports.All);
    }

    [Fact]
    public async Task Elapsed_time_is_that_of_the_given_clock()
    {
        var time = new FakeTimeProvider();
        var history = new History().Capture(2, (1, 1));
        var options = new RestoreOptions
        {
            OutputPath = Output,
            Inspect = (_, _) =>
            {
                time.Advance(TimeSpan.FromSeconds(5));
                return ValueTask.CompletedTask;
            },
        };
        var step = new RestoreStep(await history.StoreAsync("0:1-1"), _disk, time);
        var result = await step.RunAsync(new RestoreTarget.Latest(), options, default);
        Assert.Equal(TimeSpan.FromSeconds(5), result.Elapsed);
    }

    [Fact]
    public async Task An_inspection_sees_the_whole_database_before_it_is_published()
    {
        var history = new History().CaptureAtRandom(seed: 2, captures: 2, pagesMax: 9);
        byte[]? seen = null;
        var options = new RestoreOptions
        {
            OutputPath = Output,
            Inspect = (path, _) =>
            {
                Assert.False(_disk.FileExists(Output));
                seen = _disk.ReadAllBytes(path);
                _disk.WriteAllBytes(path + "-wal", [1]); // As SQLite does with a database in WAL mode.
                _disk.WriteAllBytes(path + "-shm", [1]);
                return ValueTask.CompletedTask;
            },
        };
        await RunAsync(await history.StoreAsync("0:1-1 0:2-2"), _disk, options);
        Assert.Equal(history.At(2), seen);
        Assert.Equal([Output], _disk.AllFiles);
    }

    [Fact]
    public async Task An_inspection_that_refuses_leaves_nothing()
    {
        _disk.WriteAllBytes(Output, [1, 2, 3]);
        var options = new RestoreOptions
        {
            OutputPath = Output,
            Overwrite = true,
            Inspect = (path, _) =>
            {
                _disk.WriteAllBytes(path + "-wal", [1]);
                throw new InvalidDataException("not good");
            },
        };
        var store = await new History().Capture(2, (1, 1)).StoreAsync("0:1-1");
        await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(store, _disk, options));
        Assert.Equal([Output], _disk.AllFiles);
        Assert.Equal([1, 2, 3], _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task A_plan_can_be_made_first_and_carried_out_later()
    {
        var history = new History().CaptureAtRandom(seed: 5, captures: 4, pagesMax: 9);
        var store = await history.StoreAsync("0:1-1 0:2-2 0:3-3 0:4-4");
        var plan = RestorePlan.From(await ReplicaListing.ReadAllAsync(store, default), new RestoreTarget.AtTxid(new Txid(3)));
        var step = new RestoreStep(store, _disk, TimeProvider.System);
        var result = await step.RunAsync(plan, new RestoreOptions { OutputPath = Output }, default);
        Assert.Same(plan, result.Plan);
        Assert.Equal(history.At(3), _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task A_snapshot_of_another_page_size_starts_a_plan_of_its_own()
    {
        var small = new History(512).CaptureAtRandom(seed: 6, captures: 4, pagesMax: 9);
        var large = new History(4096).CaptureAtRandom(seed: 7, captures: 5, pagesMax: 9);
        var store = await small.StoreAsync("9:1-2 0:3-3 0:4-4");
        await large.WriteAsync(store, Key("9:1-5"));
        await RestoreAsync(store);
        Assert.Equal(large.At(5), _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task A_file_that_retention_removes_meanwhile_is_planned_around()
    {
        var history = new History().CaptureAtRandom(seed: 8, captures: 4, pagesMax: 9);
        var inner = await history.StoreAsync("9:1-2 0:3-3 0:4-4");
        var store = new FaultingStore(inner, _ => null)
        {
            BeforeCall = call =>
            {
                if (call == Level.Count + 2) // The newest file was opened.
                {
                    history.WriteAsync(inner, Key("1:3-4")).AsTask().GetAwaiter().GetResult();
                    inner.DeleteAsync([Key("0:3-3"), Key("0:4-4")], default).AsTask().GetAwaiter().GetResult();
                }
            },
        };
        var result = await RunAsync(store, _disk, new RestoreOptions { OutputPath = Output });
        Assert.Equal("9:1-2 1:3-4", Listing.Text(result.Plan.Files));
        Assert.Equal(result.Plan.TotalSizeBytes, result.BytesRead);
        Assert.Equal(history.At(4), _disk.ReadAllBytes(Output));
        Assert.Equal([Output], _disk.AllFiles);
    }

    [Fact]
    public async Task A_file_that_is_listed_and_never_there_ends_the_restore()
    {
        var store = new FaultingStore(
            await new History().Capture(2, (1, 1)).StoreAsync("0:1-1"), call => call % (Level.Count + 1) == 0 ? StoreFault.NotFound : null);
        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(() => RunAsync(store, _disk, new RestoreOptions { OutputPath = Output }));
        Assert.Equal(4 * (Level.Count + 1), store.Calls);
        Assert.Empty(_disk.AllFiles);
    }

    [Fact]
    public async Task An_empty_replica_creates_no_folder()
    {
        await Assert.ThrowsAsync<NoMatchingBackupException>(() => RestoreAsync(new MemoryStore()));
        Assert.False(_disk.DirectoryExists("/data"));
    }

    [Fact]
    public async Task Parallelism_below_one_is_a_mistake_of_the_caller()
        => await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => RunAsync(new MemoryStore(), _disk, new RestoreOptions { OutputPath = Output, Parallelism = 0 }));

    private static Gen<int> GenPageSize => Gen.Int[0, 2].Select(index => new[] { 512, 4096, 65536 }[index]);

    private static LtxFileKey Key(string text) => Listing.ParseFile(text).Key;

    /// <summary>
    /// Random files that lead to a TXID: any lengths and levels, overlapping here and there, with files that no plan needs.
    /// </summary>
    private static string RandomFiles(Random random, int last)
    {
        var files = new HashSet<string>();
        for (var reached = 0; reached < last;)
        {
            var min = random.Next(4) == 0 ? random.Next(1, reached + 2) : reached + 1;
            reached = random.Next(reached + 1, last + 1);
            files.Add($"{(min == 1 && random.Next(2) == 0 ? 9 : random.Next(9))}:{min}-{reached}");
        }

        for (var i = random.Next(4); i > 0; i--)
        {
            var min = random.Next(1, last + 1);
            files.Add($"{random.Next(9)}:{min}-{random.Next(min, last + 1)}");
        }

        return string.Join(' ', files);
    }

    /// <summary>A snapshot of empty pages.</summary>
    private static byte[] ZeroImage(PageSize pageSize, uint commit)
    {
        const int PagesPerBatch = 256;
        using var stream = new MemoryStream();
        using var writer = new LtxWriter(
            stream, new LtxHeader { PageSize = pageSize, Commit = commit, MinTxid = new Txid(1), MaxTxid = new Txid(1), TimestampMs = 1 });
        var empty = new byte[PagesPerBatch * pageSize.Bytes];
        foreach (var batch in Enumerable.Range(1, (int)commit).Where(page => page != pageSize.LockPage).Chunk(PagesPerBatch))
        {
            writer.WritePages(batch.Select(page => (uint)page).ToArray(), empty.AsMemory(0, batch.Length * pageSize.Bytes));
        }

        writer.Complete();
        return stream.ToArray();
    }

    /// <summary>A file with the pages on both sides of the lock page.</summary>
    private static byte[] TwoPages(PageSize pageSize, uint lockPage, byte[] page)
    {
        using var stream = new MemoryStream();
        var txid = new Txid(2);
        using var writer = new LtxWriter(
            stream, new LtxHeader { PageSize = pageSize, Commit = lockPage + 2, MinTxid = txid, MaxTxid = txid, TimestampMs = 1 });
        writer.WritePages(new[] { lockPage - 1, lockPage + 1 }, page.Concat(page).ToArray());
        writer.Complete();
        return stream.ToArray();
    }

    private Task<RestoreResult> RestoreAsync(IReplicaStore store) => RunAsync(store, _disk, new RestoreOptions { OutputPath = Output });

    private static Task<RestoreResult> RunAsync(IReplicaStore store, MemoryFileSystem disk, RestoreOptions options)
        => new RestoreStep(store, disk, TimeProvider.System).RunAsync(new RestoreTarget.Latest(), options, default).AsTask();

    private sealed class Reports : IProgress<RestoreProgress>
    {
        public List<RestoreProgress> All { get; } = [];

        public void Report(RestoreProgress value) => All.Add(value);
    }
}
