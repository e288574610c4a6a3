using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Health;
using Tidemark.Replication.Scheduling;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>One database of several that cannot be replicated: the others go on, and nobody believes that it is.</summary>
public sealed class RefusedDatabaseTests : IDisposable
{
    private const int DatabaseRefused = 2066;

    private readonly TemporaryFolder _folder = new();
    private readonly EventLog _events = new();

    private string Good => _folder["good.db"];

    private string Bad => _folder["bad.db"];

    public void Dispose()
    {
        _events.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task One_that_cannot_be_opened_is_tried_again_until_it_can()
    {
        using var source = Create(Good);
        File.CreateSymbolicLink(Bad, _folder["nowhere/bad.db"]);
        await using var run = RunningReplicator.Start(
            PhysicalFileSystem.Instance,
            _events,
            RunningReplicator.Options(Bad, new MemoryStore()),
            RunningReplicator.Options(Good, new MemoryStore()));

        await run.WaitUntilShippedAsync(Good);
        var status = await run.WaitAsync(Bad, status => status.Failure is not null);
        Assert.Equal(DatabaseState.Failing, status.State);

        Directory.CreateDirectory(_folder["nowhere"]);
        using var late = Create(_folder["nowhere/bad.db"]);
        await run.WaitUntilShippedAsync(Bad);
        await run.StopAsync();
    }

    [Theory]
    [InlineData("link")]
    [InlineData("folder")]
    [InlineData("text")]
    [InlineData("spool")]
    public async Task One_that_stays_refused_shows_in_the_status_and_at_the_end(string kind)
    {
        using var source = Create(Good);
        Spoil(kind);
        await using var run = RunningReplicator.Start(
            PhysicalFileSystem.Instance,
            _events,
            RunningReplicator.Options(Bad, new MemoryStore()),
            RunningReplicator.Options(Good, new MemoryStore()));

        await run.WaitUntilShippedAsync(Good);
        await run.WaitAsync(Bad, status => status is { State: DatabaseState.Failing, Failure: not null });

        await Assert.ThrowsAsync<TidemarkException>(run.StopAsync);
    }

    [Fact]
    public async Task Once_the_others_are_replicated_and_the_end_tells()
    {
        using var source = Create(Good);
        Spoil("spool");
        var store = new MemoryStore();
        var replicator = new Replicator(
            [RunningReplicator.Options(Bad, new MemoryStore()), RunningReplicator.Options(Good, store)],
            PhysicalFileSystem.Instance, TimeProvider.System, _events);

        var failure = await Assert.ThrowsAsync<TidemarkException>(() => replicator.RunOnceAsync(TestContext.Current.CancellationToken));

        Assert.Contains(Bad, failure.Message, StringComparison.Ordinal);
        Assert.NotEmpty(await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Where_all_are_refused_the_run_ends()
    {
        Spoil("spool");
        await File.WriteAllLinesAsync(_folder[".good.db-tidemark"], [], TestContext.Current.CancellationToken);
        var replicator = new Replicator(
            [RunningReplicator.Options(Bad, new MemoryStore()), RunningReplicator.Options(Good, new MemoryStore())],
            PhysicalFileSystem.Instance, TimeProvider.System, _events);

        await Assert.ThrowsAsync<TidemarkException>(() => replicator.RunAsync(CancellationToken.None, CancellationToken.None));
    }

    [Fact]
    public void A_failure_that_lasts_is_told_of_now_and_then()
    {
        var time = new FakeTimeProvider();
        var reports = new FailureReports(time);
        var told = 0;
        for (var second = 0; second < 600; second++)
        {
            told += reports.IsDue("the same") ? 1 : 0;
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(2, told);
        Assert.True(reports.IsDue("another"));
        Assert.False(reports.IsDue("a third, at once"));
        reports.Reset();
        Assert.True(reports.IsDue("a third, at once"));
    }

    private void Spoil(string kind)
    {
        switch (kind)
        {
            case "link":
                File.CreateSymbolicLink(Bad, _folder["nowhere/bad.db"]);
                break;
            case "folder":
                Directory.CreateDirectory(Bad);
                break;
            case "text":
                File.WriteAllLines(Bad, Enumerable.Repeat("This is a text.", 100));
                break;
            default:
                Create(Bad).Dispose();
                File.WriteAllLines(_folder[".bad.db-tidemark"], []); // In the place of the folder.
                break;
        }
    }

    private static SourceDatabase Create(string path)
    {
        var source = SourceDatabase.Open(path);
        source.CreateTable();
        source.Insert(10);
        return source;
    }
}
