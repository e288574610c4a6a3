using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>The whole engine with its real clock, notices and threads, as the daemon runs it.</summary>
public sealed class ReplicatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cutShort = new();

    private string DatabasePath => _folder["app.db"];

    [Fact]
    public async Task Once_captures_and_ships_everything()
    {
        using var source = Create();
        var store = new MemoryStore();

        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);

        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task Once_without_a_database_says_so()
    {
        var failure = await Assert.ThrowsAnyAsync<TidemarkException>(
            () => Engine(Options(new MemoryStore())).RunOnceAsync(TestContext.Current.CancellationToken));

        Assert.Contains(DatabasePath, failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.Hint);
    }

    [Fact]
    public async Task Changes_arrive_while_it_runs_and_the_last_ones_at_the_end()
    {
        using var source = Create();
        var store = new SignallingStore();
        var run = Engine(Options(store)).RunAsync(_stop.Token, _cutShort.Token);
        await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        for (var i = 0; i < 5; i++)
        {
            var count = store.Count;
            source.Insert(10);
            await store.WaitForFilesAsync(count + 1, TestContext.Current.CancellationToken);
        }

        source.Insert(10);
        await _stop.CancelAsync();
        await run;

        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_single_commit_that_waits_for_the_disk_is_captured_though_its_notice_comes_before_it()
    {
        using var source = Create();
        source.Run("PRAGMA synchronous=FULL");
        var store = new SignallingStore();
        var options = Options(store) with { CheckpointInterval = TimeSpan.Zero }; // Nothing else makes it look.
        var run = Engine(options).RunAsync(_stop.Token, _cutShort.Token);
        await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        for (var i = 0; i < 20; i++)
        {
            source.Insert(10);
            var count = store.Count;
            while (!Enumerable.SequenceEqual(source.Serialize(), await RestoreAsync(store)))
            {
                await store.WaitForFilesAsync(++count, TestContext.Current.CancellationToken);
            }
        }

        await _stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task A_database_that_appears_later_is_replicated_from_then_on()
    {
        var store = new SignallingStore();
        var run = Engine(Options(store)).RunAsync(_stop.Token, _cutShort.Token);
        using var source = Create();

        await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        await _stop.CancelAsync();
        await run;

        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_database_in_rollback_mode_is_switched_to_wal()
    {
        using var source = SourceDatabase.Open(DatabasePath, journalMode: "delete");
        source.CreateTable();
        source.Insert(10);
        var store = new MemoryStore();

        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);

        source.Run("SELECT count(*) FROM t");
        Assert.Equal("wal", source.Run("PRAGMA journal_mode"));
        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_file_that_is_no_database_ends_the_run_at_the_start()
    {
        await File.WriteAllLinesAsync(DatabasePath, Enumerable.Repeat("This is a text.", 100), TestContext.Current.CancellationToken);

        var failure = await Assert.ThrowsAnyAsync<TidemarkException>(
            () => Engine(Options(new MemoryStore())).RunAsync(_stop.Token, _cutShort.Token));

        Assert.NotNull(failure.Hint);
        Assert.Equal("This is a text.", File.ReadLines(DatabasePath).First());
    }

    [Fact]
    public async Task A_database_that_is_deleted_and_made_anew_goes_on_in_the_same_replica()
    {
        var store = new SignallingStore();
        var run = Engine(Options(store)).RunAsync(_stop.Token, _cutShort.Token);
        using (var first = Create())
        {
            await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        }

        foreach (var suffix in (string[])["", "-wal", "-shm"])
        {
            File.Delete(DatabasePath + suffix);
        }

        var count = store.Count;
        using var second = Create();
        second.Insert(77);
        await store.WaitForFilesAsync(count + 1, TestContext.Current.CancellationToken);
        await _stop.CancelAsync();
        await run;

        await AssertReplicaIsAsync(second, store);
    }

    [Fact]
    public async Task A_destination_that_fails_holds_back_no_other_and_the_end_says_what_is_missing()
    {
        using var source = Create();
        var dead = new FaultingStore(new MemoryStore(), _ => StoreFault.Before);
        var alive = new SignallingStore();
        var options = Options(alive, dead) with { ShutdownTimeout = TimeSpan.Zero };

        // The spool has a position, so that the dead destination need not be asked for the first TXID.
        await Engine(Options(alive)).RunOnceAsync(TestContext.Current.CancellationToken);
        var run = Engine(options).RunAsync(_stop.Token, _cutShort.Token);
        var count = alive.Count;
        source.Insert(10);
        await alive.WaitForFilesAsync(count + 1, TestContext.Current.CancellationToken);
        await _stop.CancelAsync();

        await Assert.ThrowsAnyAsync<TidemarkException>(() => run);
        await AssertReplicaIsAsync(source, alive);
    }

    [Fact]
    public async Task A_first_start_with_a_dead_destination_replicates_to_the_others()
    {
        using var source = Create();
        var dead = new FaultingStore(new MemoryStore(), _ => StoreFault.Before);
        var alive = new SignallingStore();
        var options = Options(dead, alive) with { ShutdownTimeout = TimeSpan.Zero };
        var run = Engine(options).RunAsync(_stop.Token, _cutShort.Token);
        await alive.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        await _stop.CancelAsync();

        await Assert.ThrowsAnyAsync<TidemarkException>(() => run);
        await AssertReplicaIsAsync(source, alive);
    }

    [Fact]
    public async Task Once_with_a_forced_snapshot_mends_a_replica_in_which_a_file_is_damaged()
    {
        using var source = Create();
        var store = new MemoryStore();
        for (var i = 0; i < 4; i++)
        {
            source.Insert(5);
            await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);
        }

        var damaged = (await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken))[1];
        using (var content = new MemoryStream())
        {
            await using (var file = await store.OpenAsync(damaged.Key, 0, null, TestContext.Current.CancellationToken))
            {
                await file.CopyToAsync(content, TestContext.Current.CancellationToken);
            }

            content.GetBuffer()[content.Length / 2] ^= 1;
            content.Position = 0;
            await store.WriteAsync(damaged.Key, damaged.Created, content, TestContext.Current.CancellationToken);
        }

        await Engine(Options(store)).RunOnceAsync(new OnceOptions { ForcesSnapshot = true }, TestContext.Current.CancellationToken);

        var restored = _folder["restored.db"];
        await new RestoreStep(store, PhysicalFileSystem.Instance, TimeProvider.System).RunAsync(
            RestorePlan.From(
                await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken), new RestoreTarget.Latest()),
            new RestoreOptions { OutputPath = restored },
            TestContext.Current.CancellationToken);
        Assert.Equal(source.Serialize(), await File.ReadAllBytesAsync(restored, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Once_ships_to_the_destinations_that_answer_and_then_fails()
    {
        using var source = Create();
        var dead = new FaultingStore(new MemoryStore(), _ => StoreFault.Before);
        var alive = new MemoryStore();

        await Assert.ThrowsAnyAsync<TidemarkException>(() => Engine(Options(dead, alive)).RunOnceAsync(TestContext.Current.CancellationToken));

        await AssertReplicaIsAsync(source, alive);
    }

    [Fact]
    public async Task One_failed_read_of_the_spool_is_tried_again()
    {
        using var source = Create();
        var files = new HookedFileSystem();
        files.Opening = path =>
        {
            if (path.EndsWith(".ltx", StringComparison.Ordinal))
            {
                files.Opening = null;
                throw new IOException("Too many open files.");
            }
        };
        var store = new SignallingStore();
        var run = new Replicator([Options(store)], files, TimeProvider.System, NullLoggerFactory.Instance).RunAsync(_stop.Token, _cutShort.Token);

        await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        await _stop.CancelAsync();
        await run;
        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_full_disk_ends_a_single_run_with_a_hint()
    {
        const int NoSpace = 28;
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has other numbers.");
        using var source = Create();
        var files = new HookedFileSystem
        {
            Opening = path =>
            {
                if (path.EndsWith(".tmp", StringComparison.Ordinal))
                {
                    throw new IOException("No space left on device", NoSpace);
                }
            },
        };
        var engine = new Replicator([Options(new SignallingStore())], files, TimeProvider.System, NullLoggerFactory.Instance);

        var failure = await Assert.ThrowsAsync<TidemarkException>(() => engine.RunOnceAsync(TestContext.Current.CancellationToken));
        Assert.Equal("Free some space on the disk that holds the spool and the database.", failure.Hint);
    }

    [Fact]
    public async Task Two_runs_on_one_database_are_refused()
    {
        using var source = Create();
        var store = new SignallingStore();
        var run = Engine(Options(store)).RunAsync(_stop.Token, _cutShort.Token);
        await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);

        await Assert.ThrowsAnyAsync<TidemarkException>(() => Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken));

        await _stop.CancelAsync();
        await run;
        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_destination_that_is_added_later_gets_a_snapshot_and_what_follows()
    {
        using var source = Create();
        var first = new MemoryStore();
        await Engine(Options(first)).RunOnceAsync(TestContext.Current.CancellationToken);
        source.Insert(10);
        await Engine(Options(first)).RunOnceAsync(TestContext.Current.CancellationToken);
        var second = new MemoryStore();

        await Engine(Options(first, second)).RunOnceAsync(TestContext.Current.CancellationToken);
        source.Insert(10);
        await Engine(Options(first, second)).RunOnceAsync(TestContext.Current.CancellationToken);

        await AssertReplicaIsAsync(source, first);
        await AssertReplicaIsAsync(source, second);
        Assert.Empty(Directory.EnumerateFiles(_folder[".app.db-tidemark/ltx/9"]));
    }

    [Fact]
    public async Task Another_page_size_starts_from_a_snapshot_in_the_same_replica()
    {
        var store = new MemoryStore();
        using (var source = Create())
        {
            await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);
            source.Run("PRAGMA journal_mode=delete");
            source.Run("PRAGMA page_size=1024");
            source.Run("VACUUM");
        }

        using var rebuilt = SourceDatabase.Open(DatabasePath, pageSize: 1024);
        rebuilt.Insert(10);
        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);
        rebuilt.Insert(10);
        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);

        await AssertReplicaIsAsync(rebuilt, store);
    }

    [Fact]
    public async Task A_replica_of_another_database_is_refused_and_left_as_it_was()
    {
        var store = new MemoryStore();
        using (var other = SourceDatabase.Open(_folder["other.db"]))
        {
            other.CreateTable();
            await Engine(Options(store) with { DatabasePath = _folder["other.db"] }).RunOnceAsync(TestContext.Current.CancellationToken);
        }

        using var source = Create();
        await Engine(Options(new MemoryStore())).RunOnceAsync(TestContext.Current.CancellationToken);

        var failure = await Assert.ThrowsAsync<ReplicaConflictException>(
            () => Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken));
        Assert.NotNull(failure.Hint);
        await Assert.ThrowsAsync<ReplicaConflictException>(() => Engine(Options(store)).RunAsync(_stop.Token, _cutShort.Token));
        Assert.Equal(new Txid(1), await HeadAsync(store));
    }

    [Fact]
    public async Task What_could_not_be_shipped_before_the_end_is_shipped_after_the_next_start()
    {
        using var source = Create();
        var inner = new MemoryStore();
        var isDown = false;
        var store = new FaultingStore(inner, _ => isDown ? StoreFault.Before : null);
        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);
        isDown = true;
        source.Insert(10);
        await Assert.ThrowsAnyAsync<TidemarkException>(() => Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken));
        isDown = false;

        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);

        await AssertReplicaIsAsync(source, inner);
    }

    [Fact]
    public async Task A_lost_spool_costs_only_the_pages_that_differ()
    {
        using var source = Create();
        source.Insert(5000);
        var store = new MemoryStore();
        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);
        Directory.Delete(_folder[".app.db-tidemark"], recursive: true);
        source.Insert(1);

        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);

        var sizes = await SizesAsync(store);
        Assert.Equal(2, sizes.Count);
        Assert.InRange(sizes[1], 1, sizes[0] / 10);
        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_destination_that_hangs_while_its_state_is_read_does_not_hold_back_captures()
    {
        using var source = Create();
        var inner = new MemoryStore();
        await Engine(Options(inner)).RunOnceAsync(TestContext.Current.CancellationToken);
        Directory.Delete(_folder[".app.db-tidemark"], recursive: true);
        var store = new HangingStore(inner);
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var run = new Replicator([Options(store)], PhysicalFileSystem.Instance, time, NullLoggerFactory.Instance)
            .RunOnceAsync(TestContext.Current.CancellationToken);
        await store.Hangs.WaitAsync(TestContext.Current.CancellationToken);
        for (var advances = 0; !run.IsCompleted; advances++)
        {
            // Long enough for what hangs, and not for what is only slower than this clock.
            time.Advance(advances < 60 ? TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }

        await run;

        Assert.Equal(new Txid(2), await HeadAsync(inner));
        await AssertReplicaIsAsync(source, inner);
    }

    [Fact]
    public async Task An_end_after_the_application_leaves_word_for_the_next_start()
    {
        using (Create())
        {
        }

        await Engine(Options(new MemoryStore())).RunOnceAsync(TestContext.Current.CancellationToken);

        Assert.True(File.Exists(_folder[".app.db-tidemark/end"]));
        Assert.False(File.Exists(_folder["app.db-wal"]));
    }

    [Fact]
    public async Task A_writer_that_is_in_the_way_at_the_end_is_waited_for()
    {
        using var source = Create();
        source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        using var writer = SourceDatabase.Open(DatabasePath);
        writer.Run("BEGIN IMMEDIATE");
        var store = new MemoryStore();
        var options = Options(store) with
        {
            BusyTimeout = TimeSpan.FromMilliseconds(1),
            ShutdownRetryInterval = TimeSpan.FromMilliseconds(1)
        };
        using var events = new SignallingLogger(eventId: 2009);
        await _stop.CancelAsync();

        // The first image of a database with an empty WAL needs the write lock for a moment.
        var run = new Replicator([options], PhysicalFileSystem.Instance, TimeProvider.System, events)
            .RunAsync(_stop.Token, _cutShort.Token);
        await events.Logged.WaitAsync(TestContext.Current.CancellationToken);
        writer.Run("ROLLBACK");
        await run;

        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_destination_that_is_away_longer_than_the_spool_lasts_goes_on_from_a_full_image()
    {
        using var source = Create();
        var (here, inner) = (new MemoryStore(), new MemoryStore());
        var isDown = false;
        var away = new FaultingStore(inner, _ => isDown ? StoreFault.Before : null);
        var options = Options(here, away) with { SpoolBytesMax = 1, ShutdownRetryInterval = TimeSpan.FromMilliseconds(1) };
        await Engine(options).RunOnceAsync(TestContext.Current.CancellationToken);
        isDown = true;
        using var events = new SignallingLogger(eventId: 2037);
        var run = new Replicator([options], PhysicalFileSystem.Instance, TimeProvider.System, events)
            .RunAsync(_stop.Token, _cutShort.Token);
        while (!events.Logged.IsCompleted)
        {
            source.Run("UPDATE t SET data = randomblob(5000)");
        }

        await _cutShort.CancelAsync();
        await _stop.CancelAsync();
        await Assert.ThrowsAsync<TidemarkException>(() => run);
        isDown = false;
        await Engine(options).RunOnceAsync(TestContext.Current.CancellationToken);

        await AssertReplicaIsAsync(source, here);
        await AssertReplicaIsAsync(source, inner);
        var levels = (await ReplicaListing.ReadAllAsync(inner, TestContext.Current.CancellationToken)).ToLookup(file => file.Level);
        Assert.Empty(levels[Level.Snapshots]);
        Assert.Contains(levels[Level.Captured], file => file.MinTxid != file.MaxTxid);
        Assert.All(
            levels[Level.Captured].Zip(levels[Level.Captured].Skip(1)), pair => Assert.Equal(pair.First.MaxTxid.Next(), pair.Second.MinTxid));
        Assert.Single(Directory.EnumerateFiles(_folder[".app.db-tidemark/ltx/0"]));
        Assert.Empty(Directory.EnumerateFiles(_folder[".app.db-tidemark/ltx/9"]));
    }

    [Fact]
    public async Task An_image_for_which_there_is_no_room_holds_back_no_other_destination_and_is_not_tried_with_every_capture()
    {
        const int Captures = 5;
        using var source = Create();
        var (here, added) = (new SignallingStore(), new MemoryStore());
        for (var i = 0; i < 2; i++)
        {
            source.Insert(10);
            await Engine(Options(here)).RunOnceAsync(TestContext.Current.CancellationToken);
        }

        // What comes first is not in the spool any more, so the added destination needs an image.
        var (attempts, images) = (0, _folder[".app.db-tidemark/ltx/9/"]);
        var files = new HookedFileSystem
        {
            Opening = path =>
            {
                if (path.StartsWith(images, StringComparison.Ordinal))
                {
                    attempts++;
                    throw new IOException("No space left on device");
                }
            },
        };
        using var events = new SignallingLogger(eventId: 2048);
        var engine = new Replicator([Options(here, added) with { ShutdownTimeout = TimeSpan.Zero }], files, TimeProvider.System, events);
        var run = engine.RunAsync(_stop.Token, _cutShort.Token);
        await events.Logged.WaitAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < Captures; i++)
        {
            var count = here.Count;
            source.Insert(1);
            await here.WaitForFilesAsync(count + 1, TestContext.Current.CancellationToken);
        }

        Assert.InRange(attempts, 1, Captures - 1);
        Assert.Null(engine.GetStatus()[0].Failure);
        await _stop.CancelAsync();
        await Assert.ThrowsAsync<TidemarkException>(() => run);
        await AssertReplicaIsAsync(source, here);

        await Engine(Options(here, added)).RunOnceAsync(TestContext.Current.CancellationToken);

        await AssertReplicaIsAsync(source, added);
    }

    [Fact]
    public async Task A_destination_that_holds_other_states_of_the_same_txids_gets_those_of_a_database_that_rests()
    {
        var inner = new MemoryStore();
        var isDown = false;
        var store = new FaultingStore(inner, _ => isDown ? StoreFault.Before : null);
        byte[] older;
        using (var source = Create())
        {
            await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);
            older = source.Serialize();
            Directory.CreateDirectory(_folder["older"]);
            await CopyFilesAsync(_folder[".app.db-tidemark"], _folder["older"]);
            source.Insert(10);
            await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);
        }

        // An older copy of both is put back, and goes on while the destination cannot be asked.
        Directory.Delete(_folder[".app.db-tidemark"], recursive: true);
        Directory.Move(_folder["older"], _folder[".app.db-tidemark"]);
        await File.WriteAllBytesAsync(DatabasePath, older, TestContext.Current.CancellationToken);
        using var putBack = SourceDatabase.Open(DatabasePath);
        putBack.Insert(20);
        isDown = true;
        await Assert.ThrowsAsync<ReplicaStoreException>(() => Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken));
        isDown = false;

        await Engine(Options(store)).RunOnceAsync(TestContext.Current.CancellationToken);

        await AssertReplicaIsAsync(putBack, inner);
    }

    [Fact]
    public async Task A_second_writer_at_one_destination_ends_that_one_and_holds_back_no_other()
    {
        using var source = Create();
        var (own, shared) = (new SignallingStore(), new MemoryStore());
        var options = Options(own, shared) with { ClaimCheckInterval = TimeSpan.FromTicks(1) };
        using var events = new SignallingLogger(eventId: 2013);
        var run = new Replicator([options], PhysicalFileSystem.Instance, TimeProvider.System, events)
            .RunAsync(_stop.Token, _cutShort.Token);
        await own.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        using (var other = SourceDatabase.Open(_folder["other.db"]))
        {
            other.CreateTable();
            var takeover = Options(shared) with { DatabasePath = _folder["other.db"], TakesOverDestinations = true };
            await Engine(takeover).RunOnceAsync(TestContext.Current.CancellationToken);
        }

        while (!events.Logged.IsCompleted)
        {
            source.Insert(1);
        }

        source.Insert(10);
        await _stop.CancelAsync();
        await Assert.ThrowsAsync<TidemarkException>(() => run);

        await AssertReplicaIsAsync(source, own);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _cutShort.Dispose();
        _folder.Dispose();
    }

    private static Replicator Engine(params DatabaseOptions[] databases)
        => new(databases, PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance);

    private DatabaseOptions Options(params IReplicaStore[] stores) => new()
    {
        DatabasePath = DatabasePath,
        Destinations = stores,
        SyncInterval = TimeSpan.FromMilliseconds(10),
        MonitorInterval = TimeSpan.FromMilliseconds(50),
    };

    private SourceDatabase Create()
    {
        var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(10);
        return source;
    }

    private static async Task CopyFilesAsync(string folder, string target)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(folder, path));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            await File.WriteAllBytesAsync(copy, PlainFile.Read(path), TestContext.Current.CancellationToken);
        }
    }

    private static async Task AssertReplicaIsAsync(SourceDatabase source, IReplicaStore store)
    {
        var restored = await RestoreAsync(store);
        Assert.Equal(source.Serialize(), restored);
    }

    private static async Task<byte[]> RestoreAsync(IReplicaStore store)
        => await NaiveRestore.RunAsync(store, await HeadAsync(store), TestContext.Current.CancellationToken);

    private static async Task<Txid> HeadAsync(IReplicaStore store)
    {
        var head = Txid.None;
        foreach (var level in Level.All)
        {
            await foreach (var file in store.ListAsync(level, Txid.None, TestContext.Current.CancellationToken))
            {
                head = file.MaxTxid > head ? file.MaxTxid : head;
            }
        }

        return head;
    }

    private static async Task<List<long>> SizesAsync(MemoryStore store)
    {
        var sizes = new List<long>();
        await foreach (var file in store.ListAsync(Level.Captured, Txid.None, TestContext.Current.CancellationToken))
        {
            sizes.Add(file.SizeBytes);
        }

        return sizes;
    }

    /// <summary>A store that never gives a whole file.</summary>
    private sealed class HangingStore(IReplicaStore inner) : IReplicaStore
    {
        private readonly TaskCompletionSource _hangs = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => inner.Name;

        public Task Hangs => _hangs.Task;

        public IAsyncEnumerable<LtxFileInfo> ListAsync(Level level, Txid from, CancellationToken cancellationToken)
            => inner.ListAsync(level, from, cancellationToken);

        public async ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
        {
            if (length is null)
            {
                _hangs.TrySetResult();
                await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            }

            return await inner.OpenAsync(key, offset, length, cancellationToken);
        }

        public ValueTask<LtxFileInfo> WriteAsync(
            LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
            => inner.WriteAsync(key, created, content, cancellationToken);

        public ValueTask<LtxFileInfo> CreateAsync(
            LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
            => inner.CreateAsync(key, created, content, cancellationToken);

        public ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken) => inner.ReadClaimAsync(cancellationToken);

        public ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
            => inner.WriteClaimAsync(claim, cancellationToken);

        public ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
            => inner.DeleteAsync(keys, cancellationToken);
    }

    /// <summary>Tells when an event was logged.</summary>
    private sealed class SignallingLogger(int eventId) : ILoggerFactory, ILogger
    {
        private readonly TaskCompletionSource _logged = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Logged => _logged.Task;

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (id.Id == eventId)
            {
                _logged.TrySetResult();
            }
        }

        public void Dispose()
        {
        }
    }
}
