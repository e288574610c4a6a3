using Tidemark.Replicas.Stores;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>What a database costs that nobody changes.</summary>
public sealed class IdleDatabaseTests
{
    [Fact]
    public async Task A_database_that_rests_makes_no_request_by_the_hour_nor_when_compaction_snapshots_and_retention_fall_due()
    {
        using var folder = new TemporaryFolder();
        using var source = SourceDatabase.Open(folder["app.db"]);
        source.CreateTable();
        var time = new SteppedTime();
        var store = new RequestCountingStore(new MemoryStore());
        var options = new DatabaseOptions { DatabasePath = folder["app.db"], Destinations = [store] };
        await using var run = RunningReplicator.Start(time, options);
        for (var i = 0; i < 10; i++)
        {
            var before = Captured();
            source.Insert(10);
            await time.AdvanceUntilAsync(() => Captured() > before);
            await time.AdvanceUntilAsync(() => run.StatusOf(options.DatabasePath) is { Destinations: [{ Proven.IsNone: false }] });
        }

        // Then everything falls due for the last time: compaction, the snapshot of the last changes, and the end of what they replace.
        var requests = new List<string>();
        foreach (var (verb, what) in ((string, string)[])[("create", " 1/"), ("create", " 9/"), ("delete", " 0/"), ("delete", " 9/")])
        {
            await time.AdvanceUntilAsync(() =>
            {
                requests.AddRange(store.Take());
                return requests.Exists(request => request.StartsWith(verb, StringComparison.Ordinal)
                    && request.Contains(what, StringComparison.Ordinal));
            });
        }

        await PassAsync(TimeSpan.FromDays(4), TimeSpan.FromMinutes(1));
        Assert.Equal(source.Serialize(), await RestoreAsync());
        _ = store.Take();

        await PassAsync(TimeSpan.FromHours(1), TimeSpan.FromSeconds(1));
        Assert.Empty(store.Take());
        await PassAsync(TimeSpan.FromDays(2), TimeSpan.FromMinutes(1));
        Assert.Empty(store.Take());

        // It is not dead.
        source.Insert(10);
        await time.AdvanceUntilAsync(() => store.Take().Any(request => request.StartsWith("create 0/", StringComparison.Ordinal)));

        ulong Captured() => run.StatusOf(options.DatabasePath)?.Captured.Value ?? 0;

        async Task PassAsync(TimeSpan duration, TimeSpan step)
        {
            for (var end = time.GetUtcNow() + duration; time.GetUtcNow() < end;)
            {
                await time.AdvanceAsync(step);
            }
        }

        async Task<byte[]> RestoreAsync()
        {
            var head = (await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken)).Max(file => file.MaxTxid);
            return await NaiveRestore.RunAsync(store, head, TestContext.Current.CancellationToken);
        }
    }
}
