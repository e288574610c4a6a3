using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>What nobody has foreseen ends a step, and neither the database nor the work for others.</summary>
public sealed class DefectTests : IDisposable
{
    private const int LastCaptureMissing = 2042;
    private const int Defect = 2065;

    private readonly TemporaryFolder _folder = new();
    private readonly EventLog _events = new();

    private string DatabasePath => _folder["app.db"];

    public static TheoryData<Exception> Defects
        => [new InvariantException("a false belief"), new KeyNotFoundException(), new InsufficientMemoryException()];

    public void Dispose()
    {
        _events.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Defects))]
    public async Task A_defect_in_a_capture_ends_the_step_and_not_the_database(Exception defect)
    {
        using var source = Create();
        var files = new HookedFileSystem();
        var store = new MemoryStore();
        await using var run = RunningReplicator.Start(files, _events, RunningReplicator.Options(DatabasePath, store));
        var before = await run.WaitUntilShippedAsync(DatabasePath);
        files.Opening = path =>
        {
            if (path.EndsWith(".tmp", StringComparison.Ordinal))
            {
                files.Opening = null;
                throw defect;
            }
        };

        source.Insert(10);
        await run.WaitAsync(DatabasePath, _ => _events.Of(Defect).Count > 0);
        await run.WaitUntilShippedAsync(DatabasePath, before.Captured);
        await run.StopAsync();

        var (level, text) = Assert.Single(_events.Of(Defect));
        Assert.Equal(LogLevel.Error, level);
        Assert.Contains($"of {DatabasePath}", text, StringComparison.Ordinal);
        Assert.Contains(defect.GetType().FullName!, text, StringComparison.Ordinal);
        Assert.Contains("   at ", text, StringComparison.Ordinal);
        await AssertReplicaIsAsync(source, store);
    }

    [Fact]
    public async Task A_defect_of_one_destination_is_told_and_tried_again_there()
    {
        using var source = Create();
        var (here, there) = (new MemoryStore(), new DefectiveStore());
        await using var run = RunningReplicator.Start(
            new HookedFileSystem(), _events, RunningReplicator.Options(DatabasePath, here, there));
        var before = await run.WaitUntilShippedAsync(DatabasePath);
        there.IsDefective = true;

        source.Insert(10);
        var status = await run.WaitAsync(
            DatabasePath, status => status is { Destinations: [{ LagTransactions: 0, Failure: null }, { Failure: not null }] }
                && status.Captured > before.Captured);
        Assert.Contains("a defect of Tidemark", status.Destinations[1].Failure!.Reason, StringComparison.Ordinal);
        Assert.Contains("shipping to", Assert.Single(_events.Of(Defect)).Text, StringComparison.Ordinal);
        there.IsDefective = false;
        await run.WaitUntilShippedAsync(DatabasePath, before.Captured);
        await run.StopAsync();

        await AssertReplicaIsAsync(source, there);
    }

    [Fact]
    public async Task Once_a_defect_of_one_destination_keeps_nothing_from_the_others()
    {
        using var source = Create();
        var (broken, whole) = (new DefectiveStore { IsDefective = true }, new MemoryStore());
        var replicator = new Replicator(
            [RunningReplicator.Options(DatabasePath, broken, whole)], PhysicalFileSystem.Instance, TimeProvider.System, _events);

        var failure = await Assert.ThrowsAsync<TidemarkException>(() => replicator.RunOnceAsync(TestContext.Current.CancellationToken));

        Assert.Contains("a defect of Tidemark", failure.Message, StringComparison.Ordinal);
        Assert.NotEmpty(_events.Of(Defect));
        await AssertReplicaIsAsync(source, whole);
    }

    [Fact]
    public async Task Once_a_defect_of_one_database_keeps_nothing_from_the_others()
    {
        using var source = Create();
        using var other = SourceDatabase.Open(_folder["other.db"]);
        other.CreateTable();
        var store = new MemoryStore();
        var files = new HookedFileSystem
        {
            Opening = path =>
            {
                if (path.EndsWith(".tmp", StringComparison.Ordinal) && path.Contains("app.db", StringComparison.Ordinal))
                {
                    throw new InvariantException("a false belief");
                }
            },
        };
        var replicator = new Replicator(
            [RunningReplicator.Options(DatabasePath, new MemoryStore()), RunningReplicator.Options(_folder["other.db"], store)],
            files, TimeProvider.System, _events);

        await Assert.ThrowsAsync<TidemarkException>(() => replicator.RunOnceAsync(TestContext.Current.CancellationToken));

        Assert.NotEmpty(_events.Of(Defect));
        await AssertReplicaIsAsync(other, store);
    }

    [Fact]
    public async Task A_defect_of_the_last_capture_is_told_and_what_was_captured_is_shipped()
    {
        using var source = Create();
        var files = new HookedFileSystem();
        var store = new SwitchedStore();
        await using var run = RunningReplicator.Start(files, _events, RunningReplicator.Options(DatabasePath, store));
        var before = await run.WaitUntilShippedAsync(DatabasePath);
        store.IsAway = true;
        source.Insert(10);
        var captured = (await run.WaitAsync(
            DatabasePath, status => status.Captured > before.Captured && status.Destinations[0].Failure is not null)).Captured;
        files.Opening = path =>
        {
            if (path.EndsWith(".tmp", StringComparison.Ordinal))
            {
                throw new InvariantException("a false belief");
            }
        };
        source.Insert(10);
        await run.WaitAsync(DatabasePath, _ => _events.Of(Defect).Count > 0);
        store.IsAway = false;

        await Assert.ThrowsAsync<TidemarkException>(run.StopAsync);

        Assert.Contains("a defect of Tidemark", Assert.Single(_events.Of(LastCaptureMissing)).Text, StringComparison.Ordinal);
        Assert.Contains(
            await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken), file => file.MaxTxid == captured);
    }

    [Fact]
    public async Task A_defect_in_maintenance_is_told_and_tried_again()
    {
        using var source = Create();
        var store = new DefectiveStore { IsDefectiveAtLevels = true };
        var time = new SteppedTime();
        await using var run = RunningReplicator.Start(
            time, _events, RunningReplicator.Options(DatabasePath, store) with { CompactionIntervals = [TimeSpan.FromSeconds(1)] });
        await time.AdvanceUntilAsync(() => _events.Of(Defect).Count > 0);
        Assert.Contains("maintenance at", _events.Of(Defect)[0].Text, StringComparison.Ordinal);
        Assert.NotNull(run.StatusOf(DatabasePath)!.Destinations[0].MaintenanceFailure);

        store.IsDefectiveAtLevels = false;
        await time.AdvanceUntilAsync(() => run.StatusOf(DatabasePath)!.Destinations[0].MaintenanceFailure is null);
    }

    private SourceDatabase Create()
    {
        var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(10);
        return source;
    }

    private static async Task AssertReplicaIsAsync(SourceDatabase source, IReplicaStore store)
    {
        var files = await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken);
        Assert.Equal(
            source.Serialize(),
            await NaiveRestore.RunAsync(store, files.Max(file => file.MaxTxid), TestContext.Current.CancellationToken));
    }

    private sealed class SwitchedStore() : StoreDecorator(new MemoryStore())
    {
        public bool IsAway { get; set; }

        public override ValueTask<LtxFileInfo> CreateAsync(
            LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
            => IsAway
                ? throw new ReplicaStoreException("away", null) { IsTransient = true }
                : base.CreateAsync(key, created, content, cancellationToken);
    }

    private sealed class DefectiveStore() : StoreDecorator(new MemoryStore())
    {
        public bool IsDefective { get; set; }

        public bool IsDefectiveAtLevels { get; set; }

        public override ValueTask<LtxFileInfo> CreateAsync(
            LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
            => IsDefective || (IsDefectiveAtLevels && key.Level != Level.Captured)
                ? throw new InvalidOperationException("This was not foreseen.")
                : base.CreateAsync(key, created, content, cancellationToken);
    }
}
