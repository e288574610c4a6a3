using Tidemark.Formats;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Health;

public sealed class StatusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string DatabasePath => _folder["app.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_database_without_trouble_is_captured_and_shipped_and_lacks_nothing()
    {
        using var source = Create();
        var store = new MemoryStore();
        await using var run = RunningReplicator.Start(RunningReplicator.Options(DatabasePath, store));
        var first = await run.WaitUntilShippedAsync(DatabasePath);
        source.Insert(10);
        var status = await run.WaitUntilShippedAsync(DatabasePath, first.Captured);

        Assert.Equal(DatabaseState.Replicating, status.State);
        Assert.True(status.Captured > first.Captured);
        Assert.NotNull(status.LastSuccess);
        Assert.Null(status.Failure);
        Assert.Null(status.Pin);
        Assert.True(status.WalBytes > 0);
        var destination = Assert.Single(status.Destinations);
        Assert.Equal((store.Name, true, 0UL, TimeSpan.Zero, false),
            (destination.Destination, destination.IsKnown, destination.LagTransactions, destination.Lag, destination.HasConflict));
        Assert.NotNull(destination.LastSuccess);
        Assert.Null(destination.Failure);
        await run.StopAsync();
        Assert.Empty(run.Replicator.GetStatus());
    }

    [Fact]
    public async Task A_database_that_does_not_exist_is_waited_for()
    {
        await using var run = RunningReplicator.Start(RunningReplicator.Options(DatabasePath, new MemoryStore()));

        var status = await run.WaitAsync(DatabasePath, status => status.LastSuccess is not null);

        Assert.Equal((DatabaseState.Waiting, Txid.None, 0L), (status.State, status.Captured, status.WalBytes));
    }

    [Fact]
    public async Task A_dead_destination_lags_with_its_failure_and_the_other_does_not_until_it_has_caught_up()
    {
        using var source = Create();
        var isDown = false;
        var store = new FaultingStore(new MemoryStore(), _ => Volatile.Read(ref isDown) ? StoreFault.Before : null);
        await using var run = RunningReplicator.Start(RunningReplicator.Options(DatabasePath, new MemoryStore(), store));
        var before = await run.WaitUntilShippedAsync(DatabasePath);

        Volatile.Write(ref isDown, true);
        source.Insert(10);
        var status = await run.WaitAsync(
            DatabasePath, status => status.Captured > before.Captured
                && status.Destinations is [{ LagTransactions: 0 }, { Failure: not null, Lag.Ticks: > 0 }]);
        Assert.Equal((status.Captured, TimeSpan.Zero), (status.Destinations[0].Shipped, status.Destinations[0].Lag));
        Assert.Null(status.Destinations[0].Failure);
        Assert.Equal((before.Captured, status.Captured.Value - before.Captured.Value),
            (status.Destinations[1].Shipped, status.Destinations[1].LagTransactions));
        Assert.Contains("an injected fault", status.Destinations[1].Failure!.Reason, StringComparison.Ordinal);
        Assert.True(status.SpoolBytes > 0);

        Volatile.Write(ref isDown, false);
        status = await run.WaitAsync(DatabasePath, status => status.Destinations[1].LagTransactions == 0);
        Assert.Equal((status.Captured, TimeSpan.Zero), (status.Destinations[1].Shipped, status.Destinations[1].Lag));
        Assert.Null(status.Destinations[1].Failure);
        Assert.True(status.Destinations[1].IsKnown);
    }

    [Fact]
    public async Task A_composed_snapshot_proves_its_txid()
    {
        using var source = Create();
        await using var run = RunningReplicator.Start(RunningReplicator.Options(DatabasePath, new MemoryStore()));

        var status = await run.WaitAsync(DatabasePath, status => !status.Destinations[0].Proven.IsNone);

        Assert.True(status.Destinations[0].Proven <= status.Captured);
        Assert.Null(status.Destinations[0].MaintenanceFailure);
    }

    [Fact]
    public async Task A_reader_of_another_process_that_pins_the_wal_is_named_as_long_as_it_stays()
    {
        var time = new SteppedTime();
        using var source = Create();
        var options = RunningReplicator.Options(DatabasePath, new MemoryStore()) with { CheckpointPages = 10 };
        await using var run = RunningReplicator.Start(time, options);
        await time.AdvanceUntilAsync(() => run.StatusOf(DatabasePath) is { Captured.IsNone: false });
        using (var reader = await SqliteReader.StartAsync(DatabasePath))
        {
            var pinned = await WriteUntilAsync(status => status.Pin is { Holders.Count: > 0 });

            Assert.Equal([reader.Description], pinned.Pin!.Holders);
            Assert.True(pinned.Pin.FramesInWal >= options.CheckpointPages);
            Assert.True(pinned.Pin.Since < time.GetUtcNow());
        }

        await WriteUntilAsync(status => status.Pin is null);

        async Task<DatabaseStatus> WriteUntilAsync(Func<DatabaseStatus, bool> isWanted)
        {
            while (run.StatusOf(DatabasePath) is var status && !isWanted(status!))
            {
                source.Insert(20, 1000);
                await time.AdvanceAsync(TimeSpan.FromSeconds(1));
            }

            return run.StatusOf(DatabasePath)!;
        }
    }

    private SourceDatabase Create()
    {
        var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(10);
        return source;
    }
}
