using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>Folders that somebody removes while the engine works with them.</summary>
public sealed class LostFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string DatabasePath => _folder["app.db"];

    [Theory]
    [InlineData(false)] // it was removed
    [InlineData(true)] // its disk is not mounted: an empty folder is left
    public async Task A_replica_that_vanishes_fails_until_it_is_back_and_nothing_is_made_in_its_place(bool leavesFolder)
    {
        using var source = Create();
        var options = RunningReplicator.Options(DatabasePath, Replica()) with
        {
            ClaimCheckInterval = TimeSpan.FromTicks(1), ShutdownTimeout = TimeSpan.FromMinutes(1),
        };
        await using var run = RunningReplicator.Start(options);
        var before = await run.WaitUntilShippedAsync(DatabasePath);
        Directory.Move(_folder["replica"], _folder["away"]);
        if (leavesFolder)
        {
            Directory.CreateDirectory(_folder["replica"]);
        }

        source.Insert(10);
        var status = await run.WaitAsync(
            DatabasePath,
            status => status.Destinations[0].Failure?.Reason.Contains("the replica is empty, though", StringComparison.Ordinal) == true);

        Assert.Contains(before.Captured.ToString(), status.Destinations[0].Failure!.Reason, StringComparison.Ordinal);
        Assert.Equal(leavesFolder, Directory.Exists(_folder["replica"]));
        if (leavesFolder)
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["replica"]));
            Directory.Delete(_folder["replica"]);
        }

        Directory.Move(_folder["away"], _folder["replica"]);
        await run.WaitUntilShippedAsync(DatabasePath, before.Captured);
        await run.StopAsync();
        await AssertReplicaIsAsync(source, Replica());
        Assert.All(
            (await ReplicaListing.ReadAllAsync(Replica(), TestContext.Current.CancellationToken)).Where(file => file.Level == Level.Captured),
            file => Assert.Equal(file.MinTxid, file.MaxTxid)); // no image
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_replica_that_vanished_before_a_restart_is_refused_and_filled_anew_only_when_somebody_says_so(
        bool leavesFolder, bool keepsOlder)
    {
        using var source = Create();
        await OnceAsync(Replica());
        if (keepsOlder)
        {
            TemporaryFolder.Copy(_folder["replica"], _folder["older"]);
            source.Insert(10);
            await OnceAsync(Replica());
        }

        var before = (await ReplicaListing.ReadAllAsync(Replica(), TestContext.Current.CancellationToken)).Max(file => file.MaxTxid);
        Directory.Delete(_folder["replica"], recursive: true);
        if (keepsOlder)
        {
            Directory.Move(_folder["older"], _folder["replica"]);
        }
        else if (leavesFolder)
        {
            Directory.CreateDirectory(_folder["replica"]);
        }

        source.Insert(10);
        var other = new MemoryStore();
        for (var restarts = 0; restarts < 2; restarts++)
        {
            var failure = await Assert.ThrowsAsync<ReplicaStoreException>(() => OnceAsync(Replica(), other));

            Assert.Contains(
                keepsOlder ? "the newest state is TXID 0000000000000001, though" : "is empty, though",
                failure.Message,
                StringComparison.Ordinal);
            Assert.Contains(before.ToString(), failure.Message, StringComparison.Ordinal);
            Assert.Contains("-refill", failure.Hint, StringComparison.Ordinal);
            await AssertReplicaIsAsync(source, other); // It holds back no other.
        }

        await Engine(RunningReplicator.Options(DatabasePath, Replica(), other) with { RefillsDestinations = true })
            .RunOnceAsync(TestContext.Current.CancellationToken);
        await AssertReplicaIsAsync(source, Replica());
        source.Insert(10);
        await OnceAsync(Replica(), other);
        await AssertReplicaIsAsync(source, Replica());
    }

    [Fact]
    public async Task A_destination_that_was_never_seen_is_filled()
    {
        using var source = Create();
        await OnceAsync(new MemoryStore());
        var added = new MemoryStore();

        await OnceAsync(added);

        await AssertReplicaIsAsync(source, added);
    }

    [Fact]
    public async Task A_spool_that_was_removed_is_made_anew()
    {
        using var source = Create();
        source.Insert(1000);
        var store = new MemoryStore();
        var options = RunningReplicator.Options(DatabasePath, store) with { ShutdownTimeout = TimeSpan.FromMinutes(1) };
        await using (var run = RunningReplicator.Start(options))
        {
            var before = await run.WaitUntilShippedAsync(DatabasePath);
            Directory.Delete(_folder[".app.db-tidemark"], recursive: true);
            source.Insert(10);
            var after = await run.WaitUntilShippedAsync(DatabasePath, before.Captured);
            source.Insert(10);
            await run.WaitUntilShippedAsync(DatabasePath, after.Captured);
            await run.StopAsync();
        }

        await AssertReplicaIsAsync(source, store);
        Assert.True(File.Exists(_folder[".app.db-tidemark/position"]));
        source.Insert(10);
        await OnceAsync(store);
        await AssertReplicaIsAsync(source, store);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task AssertReplicaIsAsync(SourceDatabase source, IReplicaStore store)
    {
        var files = await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken);
        var head = files.Max(file => file.MaxTxid);
        Assert.Equal(source.Serialize(), await NaiveRestore.RunAsync(store, head, TestContext.Current.CancellationToken));
    }

    private Task OnceAsync(params IReplicaStore[] stores)
        => Engine(RunningReplicator.Options(DatabasePath, stores)).RunOnceAsync(TestContext.Current.CancellationToken);

    private static Replicator Engine(DatabaseOptions options)
        => new([options], PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance);

    private LocalStore Replica() => new(_folder["replica"], PhysicalFileSystem.Instance);

    private SourceDatabase Create()
    {
        var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(10);
        return source;
    }
}
