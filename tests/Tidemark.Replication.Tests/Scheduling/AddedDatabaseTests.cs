using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Health;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>Databases that come, go and fail while the replication of another one goes on.</summary>
public sealed class AddedDatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_database_can_be_added_and_removed_and_its_spool_is_free_then()
    {
        using var first = Create("first");
        using var second = Create("second");
        await using var run = await StartAsync();

        await run.Replicator.AddAsync(Options("second"), Token);
        await run.WaitUntilShippedAsync(_folder["second.db"]);
        second.Insert(10);
        Assert.True(await run.Replicator.RemoveAsync(_folder["second.db"], CancellationToken.None));

        Assert.Null(run.StatusOf(_folder["second.db"]));
        await AssertReplicaIsAsync(second, "second");
        second.Insert(10);
        await new Replicator([Options("second")], PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance)
            .RunOnceAsync(Token);
        await AssertReplicaIsAsync(second, "second");
        await AssertFirstGoesOnAsync(run, first);
    }

    [Fact]
    public async Task A_database_that_was_removed_can_be_added_again()
    {
        using var first = Create("first");
        using var second = Create("second");
        await using var run = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await run.Replicator.AddAsync(Options("second"), Token);
            second.Insert(10);
            Assert.True(await run.Replicator.RemoveAsync(_folder["second.db"], CancellationToken.None));
            await AssertReplicaIsAsync(second, "second");
        }
    }

    [Fact]
    public async Task A_path_or_a_destination_that_is_taken_is_refused()
    {
        using var first = Create("first");
        using var second = Create("second");
        await using var run = await StartAsync();

        var samePath = Options("first") with { Destinations = [Store("other")] };
        Assert.Contains(
            "is being replicated already",
            (await Assert.ThrowsAsync<TidemarkException>(() => run.Replicator.AddAsync(samePath, Token))).Message,
            StringComparison.Ordinal);
        var samePlace = Options("second") with { Destinations = [Store("first")] };
        Assert.Contains(
            "is the destination of another database already",
            (await Assert.ThrowsAsync<TidemarkException>(() => run.Replicator.AddAsync(samePlace, Token))).Message,
            StringComparison.Ordinal);

        await AssertFirstGoesOnAsync(run, first);
    }

    [Fact]
    public async Task A_file_that_is_no_database_cannot_be_added_and_holds_back_no_other()
    {
        using var first = Create("first");
        await using var run = await StartAsync();
        await WriteTextAsync("second");

        await Assert.ThrowsAnyAsync<TidemarkException>(() => run.Replicator.AddAsync(Options("second"), Token));

        Assert.Null(run.StatusOf(_folder["second.db"]));
        await AssertFirstGoesOnAsync(run, first);
    }

    [Fact]
    public async Task A_database_that_turns_into_something_else_fails_alone_until_it_is_one_again()
    {
        using var first = Create("first");
        using (Create("second"))
        {
        }

        await using var run = await StartAsync();
        await run.Replicator.AddAsync(Options("second"), Token);
        await run.WaitUntilShippedAsync(_folder["second.db"]);

        Delete("second");
        await WriteTextAsync("second");
        var status = await run.WaitAsync(_folder["second.db"], status => status.State == DatabaseState.Failing);
        Assert.NotNull(status.Failure);
        await AssertFirstGoesOnAsync(run, first);

        Delete("second");
        using var second = Create("second");
        status = await run.WaitAsync(_folder["second.db"], status => status.State == DatabaseState.Replicating);
        Assert.Null(status.Failure);
        await run.StopAsync();
        await AssertReplicaIsAsync(second, "second");
    }

    [Fact]
    public async Task A_database_that_is_locked_holds_back_no_other()
    {
        using var first = Create("first");
        using var second = Create("second");
        second.Run("BEGIN IMMEDIATE"); // The first image needs the write lock for a moment.
        await using var run = RunningReplicator.Start(
            Options("first"), Options("second") with { BusyTimeout = TimeSpan.FromMilliseconds(20) });

        await run.WaitAsync(_folder["second.db"], status => status.Failure is not null);
        await run.WaitUntilShippedAsync(_folder["first.db"]);
        await AssertFirstGoesOnAsync(run, first);

        second.Run("COMMIT");
        await run.WaitUntilShippedAsync(_folder["second.db"]);
        await AssertReplicaIsAsync(second, "second");
    }

    [Fact]
    public async Task Nothing_can_be_added_or_removed_outside_a_run()
    {
        var replicator = new Replicator([], PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance);

        await Assert.ThrowsAsync<InvalidOperationException>(() => replicator.AddAsync(Options("first"), Token));
        Assert.False(await replicator.RemoveAsync(_folder["first.db"], CancellationToken.None));
    }

    private async Task<RunningReplicator> StartAsync()
    {
        var run = RunningReplicator.Start(Options("first"));
        await run.WaitUntilShippedAsync(_folder["first.db"]);
        return run;
    }

    private async Task AssertFirstGoesOnAsync(RunningReplicator run, SourceDatabase first)
    {
        var before = run.StatusOf(_folder["first.db"])!.Captured;
        first.Insert(10);
        await run.WaitUntilShippedAsync(_folder["first.db"], before);
        await AssertReplicaIsAsync(first, "first");
    }

    private async Task AssertReplicaIsAsync(SourceDatabase source, string name)
    {
        var store = Store(name);
        var head = (await ReplicaListing.ReadAllAsync(store, Token)).Max(file => file.MaxTxid);
        Assert.Equal(source.Serialize(), await NaiveRestore.RunAsync(store, head, Token));
    }

    private LocalStore Store(string name) => new(_folder[$"{name}-replica"], PhysicalFileSystem.Instance);

    private DatabaseOptions Options(string name) => RunningReplicator.Options(_folder[$"{name}.db"], Store(name));

    private SourceDatabase Create(string name)
    {
        var source = SourceDatabase.Open(_folder[$"{name}.db"]);
        source.CreateTable();
        source.Insert(10);
        return source;
    }

    private void Delete(string name)
    {
        foreach (var path in Directory.EnumerateFiles(_folder.Path, $"{name}.db*"))
        {
            File.Delete(path);
        }
    }

    private Task WriteTextAsync(string name)
        => File.WriteAllLinesAsync(_folder[$"{name}.db"], Enumerable.Repeat("This is a text.", 100), Token);
}
