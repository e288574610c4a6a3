using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Upload;

/// <summary>Replicas that a database with a new spool finds at its destinations, and may take over or not.</summary>
public sealed class TakeoverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(5000, 5000)]
    [InlineData(5000, 1)] // the application began with a new database
    public async Task Replica_of_another_database_is_not_continued_unless_somebody_says_so(int rows, int otherRows)
    {
        using var source = Create("a", rows);
        using var other = Create("b", otherRows);
        var (store, empty) = (new MemoryStore(), new MemoryStore());
        await OnceAsync("a", store);
        var before = await ReplicaListing.ReadAllAsync(store, Token);

        for (var tries = 0; tries < 2; tries++)
        {
            var failure = await Assert.ThrowsAsync<ReplicaConflictException>(() => OnceAsync("b", store));
            Assert.Contains("another database", failure.Message, StringComparison.Ordinal);
            Assert.Contains("-take-over", failure.Hint, StringComparison.Ordinal);
            Assert.Equal(before, await ReplicaListing.ReadAllAsync(store, Token));
        }

        await Assert.ThrowsAsync<ReplicaConflictException>(() => OnceAsync("b", store, empty));
        await AssertReplicaIsAsync(other, empty); // It holds back no other.
        await Assert.ThrowsAsync<ReplicaConflictException>(() => OnceAsync("b", store, empty)); // The spool knows a history now.
        Assert.Equal(before, await ReplicaListing.ReadAllAsync(store, Token));

        await Engine(Options("b", store, empty) with { TakesOverDestinations = true }).RunOnceAsync(Token);
        await AssertReplicaIsAsync(other, store);
        other.Insert(10);
        await OnceAsync("b", store, empty);
        await AssertReplicaIsAsync(other, store);
    }

    [Fact]
    public async Task Replica_of_another_database_ends_a_run_that_has_no_other_destination()
    {
        using var source = Create("a", 5000);
        using var other = Create("b", 5000);
        var store = new MemoryStore();
        await OnceAsync("a", store);

        var failure = await Assert.ThrowsAsync<ReplicaConflictException>(
            () => Engine(Options("b", store)).RunAsync(Token, CancellationToken.None));

        Assert.Contains("another database", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10, "UPDATE t SET data = randomblob(500)")] // every page differs, but one schema of so few pages is as good
    [InlineData(5000, "UPDATE t SET data = randomblob(100) WHERE id % 50 > 0 AND id < 4000")]
    [InlineData(5000, "DELETE FROM t WHERE id > 100; VACUUM")]
    public async Task Replica_of_the_same_database_is_continued_by_a_new_spool_and_by_all_destinations(int rows, string change)
    {
        using var source = Create("a", rows);
        var (first, second) = (new MemoryStore(), new MemoryStore());
        await OnceAsync("a", first, second);
        source.Run(change);
        Directory.Delete(_folder[".a-tidemark"], recursive: true);

        await OnceAsync("a", first, second);

        await AssertReplicaIsAsync(source, first);
        await AssertReplicaIsAsync(source, second);
    }

    [Fact]
    public async Task Place_of_a_writer_that_may_be_at_work_is_not_taken_over_unless_somebody_says_so()
    {
        using var source = Create("a", 10);
        var store = new MemoryStore();
        await OnceAsync("a", store);
        var elsewhere = WriterClaim.ForThisProcess(Formats.Lineage.Create(), TimeProvider.System.GetUtcNow()) with { Host = "web-1" };
        await store.WriteClaimAsync(elsewhere.Format(), Token);
        var before = await ReplicaListing.ReadAllAsync(store, Token);
        source.Insert(10);
        Directory.Delete(_folder[".a-tidemark"], recursive: true);

        var failure = await Assert.ThrowsAsync<ReplicaHeldException>(() => OnceAsync("a", store));

        Assert.Contains(elsewhere.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, await ReplicaListing.ReadAllAsync(store, Token));
        Assert.Equal(elsewhere.Format(), await store.ReadClaimAsync(Token));
        await Engine(Options("a", store) with { TakesOverDestinations = true }).RunOnceAsync(Token);
        await AssertReplicaIsAsync(source, store);
    }

    private static async Task AssertReplicaIsAsync(SourceDatabase source, IReplicaStore store)
    {
        var files = await ReplicaListing.ReadAllAsync(store, Token);
        Assert.Equal(source.Serialize(), await NaiveRestore.RunAsync(store, files.Max(file => file.MaxTxid), Token));
    }

    private static Replicator Engine(DatabaseOptions options)
        => new([options], PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance);

    private DatabaseOptions Options(string name, params IReplicaStore[] stores) => RunningReplicator.Options(_folder[name], stores);

    private Task OnceAsync(string name, params IReplicaStore[] stores) => Engine(Options(name, stores)).RunOnceAsync(Token);

    private SourceDatabase Create(string name, int rows)
    {
        var source = SourceDatabase.Open(_folder[name]);
        source.CreateTable();
        source.Insert(rows);
        return source;
    }
}
