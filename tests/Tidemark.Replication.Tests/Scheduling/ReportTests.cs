using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Health;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>What a person reads in the log when something fails, lasts, and passes.</summary>
public sealed class ReportTests : IDisposable
{
    private const int CaptureFailed = 2009;
    private const int ShippingFailed = 2010;
    private const int NotShipped = 2011;
    private const int Compacted = 2033;
    private const int Deleted = 2034;
    private const int LastCaptureMissing = 2042;
    private const int CapturesAgain = 2043;
    private const int ShipsAgain = 2044;
    private const int DatabaseIsGone = 2046;
    private const int DatabaseIsEmpty = 2068;
    private const int SwitchedToWal = 2069;
    private const int SnapshotWritten = 2049;

    private readonly TemporaryFolder _folder = new();
    private readonly EventLog _events = new();

    private string DatabasePath => _folder["app.db"];

    [Fact]
    public async Task A_destination_that_can_be_listed_but_not_written_to_fails_until_something_arrives()
    {
        using var source = Create();
        var time = new SteppedTime();
        var store = new GuardedStore();
        await using var run = RunningReplicator.Start(time, _events, RunningReplicator.Options(DatabasePath, store));
        await time.AdvanceUntilAsync(
            () => run.StatusOf(DatabasePath) is { Captured.IsNone: false, Destinations: [{ LagTransactions: 0 }] });
        var failuresAtTries = new List<FailureStatus?>();
        store.Writing = () =>
        {
            failuresAtTries.Add(run.StatusOf(DatabasePath)!.Destinations[0].Failure);
            throw new ReplicaStoreException("No space left on device", null) { IsTransient = true };
        };

        source.Insert(10);
        await time.AdvanceUntilAsync(() => _events.Of(ShippingFailed).Count >= 4);
        Assert.Empty(_events.Of(ShipsAgain));
        Assert.NotNull(run.StatusOf(DatabasePath)!.Destinations[0].Failure);
        store.Writing = static () => { };
        await time.AdvanceUntilAsync(() => _events.Of(ShipsAgain).Count > 0);

        Assert.All(failuresAtTries.Skip(1), Assert.NotNull);
        Assert.True(run.StatusOf(DatabasePath) is { Destinations: [{ LagTransactions: 0, Failure: null }] });
        Assert.Single(_events.Of(ShipsAgain));
    }

    [Fact]
    public async Task A_file_that_arrived_though_its_write_failed_ends_the_failure_when_it_is_found()
    {
        using var source = Create();
        var time = new SteppedTime();
        var store = new GuardedStore();
        await using var run = RunningReplicator.Start(time, _events, RunningReplicator.Options(DatabasePath, store));
        await time.AdvanceUntilAsync(
            () => run.StatusOf(DatabasePath) is { Captured.IsNone: false, Destinations: [{ LagTransactions: 0 }] });
        store.Written = () =>
        {
            store.Written = static () => { };
            throw new ReplicaStoreException("connection lost", null) { IsTransient = true };
        };
        var before = store.Writes;

        source.Insert(10);
        await time.AdvanceUntilAsync(() => _events.Of(ShipsAgain).Count > 0);

        Assert.Equal(before + 1, store.Writes);
        Assert.True(run.StatusOf(DatabasePath) is { Destinations: [{ LagTransactions: 0, Failure: null }] });
        Assert.Single(_events.Of(ShippingFailed));
    }

    [Fact]
    public async Task A_last_capture_that_keeps_failing_is_reported_once_and_the_end_says_why()
    {
        const int Tries = 20;
        var (tries, stop, cutShort) = (0, new CancellationTokenSource(), new CancellationTokenSource());
        using var isTriedAgain = new SemaphoreSlim(0);
        var files = new HookedFileSystem
        {
            Opening = path =>
            {
                if (path == DatabasePath + "-wal" && stop.IsCancellationRequested && ++tries == Tries)
                {
                    isTriedAgain.Release();
                }
            },
        };
        using var source = Create();
        var store = new SignallingStore();
        var options = RunningReplicator.Options(DatabasePath, store) with
        {
            ShutdownTimeout = TimeSpan.FromMinutes(10), ShutdownRetryInterval = TimeSpan.FromMilliseconds(1),
        };
        var run = new Replicator([options], files, TimeProvider.System, _events).RunAsync(stop.Token, cutShort.Token);
        await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        PutOtherInPlace();
        while (_events.Of(CaptureFailed) is [])
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        var before = _events.Of(CaptureFailed).Count;
        await isTriedAgain.WaitAsync(TestContext.Current.CancellationToken);
        await cutShort.CancelAsync();
        await Assert.ThrowsAsync<TidemarkException>(() => run);

        // A try that was underway when the end began reports for itself.
        Assert.InRange(_events.Of(CaptureFailed).Count - before, 1, 2);
        Assert.Contains(
            "another file took the place of the database", Assert.Single(_events.Of(LastCaptureMissing)).Text, StringComparison.Ordinal);
        stop.Dispose();
        cutShort.Dispose();
    }

    [Fact]
    public async Task A_spool_that_has_room_again_at_the_end_takes_the_last_capture()
    {
        using var source = Create();
        var stop = new CancellationTokenSource();
        var failures = 0;
        var files = new HookedFileSystem
        {
            Opening = path =>
            {
                if (path.EndsWith(".tmp", StringComparison.Ordinal) && stop.IsCancellationRequested && failures++ < 3)
                {
                    throw new IOException("No space left on device.");
                }
            },
        };
        var store = new SignallingStore();
        var options = RunningReplicator.Options(DatabasePath, store) with
        {
            SyncInterval = TimeSpan.FromHours(1),
            MonitorInterval = TimeSpan.FromHours(1),
            ShutdownTimeout = TimeSpan.FromMinutes(10),
            ShutdownRetryInterval = TimeSpan.FromMilliseconds(1),
        };
        var run = new Replicator([options], files, TimeProvider.System, _events)
            .RunAsync(stop.Token, TestContext.Current.CancellationToken);
        await store.WaitForFilesAsync(1, TestContext.Current.CancellationToken);
        source.Insert(10);
        await stop.CancelAsync();
        await run;

        Assert.True(failures > 3);
        Assert.Empty(_events.Of(LastCaptureMissing));
        stop.Dispose();
    }

    [Fact]
    public async Task A_destination_that_only_a_person_can_mend_is_not_tried_again_at_the_end_which_says_why()
    {
        using var source = Create();
        var store = new GuardedStore();
        var options = RunningReplicator.Options(DatabasePath, store) with { ShutdownTimeout = TimeSpan.FromHours(10) };
        await using var run = RunningReplicator.Start(options, _events);
        var before = await run.WaitUntilShippedAsync(DatabasePath);
        store.Writing = static () => throw new ReplicaStoreException("Access denied.", "Give the right to write.");
        source.Insert(10);
        await run.WaitAsync(DatabasePath, status => status.Captured > before.Captured && status.Destinations[0].Failure is not null);

        await Assert.ThrowsAsync<TidemarkException>(run.StopAsync);

        var (level, text) = Assert.Single(_events.Of(NotShipped));
        Assert.Equal(LogLevel.Error, level);
        Assert.EndsWith("Access denied. Give the right to write.", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_fails_and_is_gone_then_is_not_called_captured_again()
    {
        using var source = Create();
        await using var run = RunningReplicator.Start(RunningReplicator.Options(DatabasePath, new MemoryStore()), _events);
        await run.WaitUntilShippedAsync(DatabasePath);
        PutOtherInPlace();
        await run.WaitAsync(DatabasePath, status => status.State == DatabaseState.Failing);
        File.Delete(DatabasePath);
        await run.WaitAsync(DatabasePath, status => status.State == DatabaseState.Waiting);

        Assert.Single(_events.Of(DatabaseIsGone));
        Assert.Empty(_events.Of(CapturesAgain));
        Assert.Null(run.StatusOf(DatabasePath)!.Failure);
    }

    [Fact]
    public async Task An_empty_file_in_the_place_of_a_database_is_told_as_what_it_is()
    {
        Create().Dispose();
        var options = RunningReplicator.Options(DatabasePath, new MemoryStore());
        await new Replicator([options], PhysicalFileSystem.Instance, TimeProvider.System, _events)
            .RunOnceAsync(TestContext.Current.CancellationToken);
        foreach (var file in Directory.GetFiles(_folder.Path, "app.db*"))
        {
            File.Delete(file);
        }

        await File.WriteAllLinesAsync(DatabasePath, [], TestContext.Current.CancellationToken);
        await using (var run = RunningReplicator.Start(options, _events))
        {
            await run.WaitAsync(DatabasePath, status => status is { State: DatabaseState.Waiting, LastSuccess: not null });
        }

        Assert.Single(_events.Of(DatabaseIsEmpty));
        Assert.Empty(_events.Of(DatabaseIsGone));
        var failure = await Assert.ThrowsAsync<DatabaseException>(
            () => new Replicator([options], PhysicalFileSystem.Instance, TimeProvider.System, _events)
                .RunOnceAsync(TestContext.Current.CancellationToken));
        Assert.Equal($"{DatabasePath}: the file is empty, so there is no database in it.", failure.Message);
    }

    [Fact]
    public async Task A_switch_from_rollback_to_wal_mode_is_told_once()
    {
        using (var source = SourceDatabase.Open(DatabasePath, journalMode: "delete"))
        {
            source.CreateTable();
        }

        for (var i = 0; i < 2; i++)
        {
            await new Replicator(
                [RunningReplicator.Options(DatabasePath, new MemoryStore())], PhysicalFileSystem.Instance, TimeProvider.System, _events)
                .RunOnceAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(LogLevel.Information, Assert.Single(_events.Of(SwitchedToWal)).Level);
    }

    [Fact]
    public async Task Once_tells_at_the_level_that_everybody_sees_what_it_wrote_and_deleted()
    {
        using var source = Create();
        var store = new LocalStore(_folder["replica"], PhysicalFileSystem.Instance);
        for (var i = 0; i < 3; i++)
        {
            source.Insert(10);
            await OnceAsync(new OnceOptions());
        }

        Assert.Empty(_events.Of(SnapshotWritten));
        await OnceAsync(new OnceOptions { ForcesSnapshot = true, EnforcesRetention = true });

        var (level, text) = Assert.Single(_events.Of(SnapshotWritten));
        Assert.Equal(LogLevel.Information, level);
        var snapshot = Path.GetFileName(Assert.Single(Directory.GetFiles(_folder["replica/ltx/9"])));
        Assert.StartsWith($"Wrote snapshot 9/{snapshot} of {DatabasePath}", text, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Information, Assert.Single(_events.Of(Compacted)).Level);
        (level, text) = Assert.Single(_events.Of(Deleted));
        Assert.Equal(LogLevel.Information, level);
        Assert.StartsWith($"Deleted 2 files of {DatabasePath} from {store.Name}", text, StringComparison.Ordinal);

        Task OnceAsync(OnceOptions once)
        {
            var options = RunningReplicator.Options(DatabasePath, store) with
            {
                CompactionIntervals = [TimeSpan.FromMinutes(1)],
                SnapshotRetention = TimeSpan.FromTicks(1),
                L0Retention = TimeSpan.FromTicks(1),
            };
            return new Replicator([options], PhysicalFileSystem.Instance, TimeProvider.System, _events)
                .RunOnceAsync(once, TestContext.Current.CancellationToken);
        }
    }

    public void Dispose()
    {
        _events.Dispose();
        _folder.Dispose();
    }

    private SourceDatabase Create()
    {
        var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(10);
        return source;
    }

    // As `mv` does, while the application runs: its WAL stays.
    private void PutOtherInPlace()
    {
        using (var other = SourceDatabase.Open(_folder["other.db"]))
        {
            other.CreateTable();
        }

        File.Move(_folder["other.db"], DatabasePath, overwrite: true);
    }

    /// <summary>A store in memory that may fail before or after a capture is written, and can be listed meanwhile.</summary>
    private sealed class GuardedStore() : StoreDecorator(new MemoryStore())
    {
        /// <summary>Called before a file is written; what it throws is the failure.</summary>
        public Action Writing { get; set; } = static () => { };

        /// <summary>Called after a file was written; what it throws is the failure.</summary>
        public Action Written { get; set; } = static () => { };

        /// <summary>How many files were to be written.</summary>
        public int Writes { get; private set; }

        public override async ValueTask<LtxFileInfo> CreateAsync(
            LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        {
            if (key.Level != Level.Captured)
            {
                return await base.CreateAsync(key, created, content, cancellationToken); // Not shipping, but compaction.
            }

            Writes++;
            Writing();
            var file = await base.CreateAsync(key, created, content, cancellationToken);
            Written();
            return file;
        }
    }
}
