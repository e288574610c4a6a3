using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Health;
using Tidemark.Replication.Tests.Databases;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>When a run audits a database, and what it tells of it.</summary>
public sealed class DatabaseAuditTests : IDisposable
{
    private const int TableHead = 16;
    private const int Audited = 2080;
    private const int FoundDifference = 2081;
    private const int Failed = 2082;

    private readonly TemporaryFolder _folder = new();

    private string DatabasePath => _folder["app.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_audit_on_demand_says_as_of_when_the_database_is_equal_and_the_status_and_the_spool_keep_it()
    {
        using var source = Create();
        await using var run = RunningReplicator.Start(Options());
        var before = await run.WaitUntilShippedAsync(DatabasePath);
        Assert.Null(before.Audit);

        var audit = await run.Replicator.AuditAsync(DatabasePath, TestContext.Current.CancellationToken);

        Assert.Equal((AuditOutcome.Equal, 0L), (audit.Outcome, audit.DifferentPages));
        Assert.Equal(source.RunLong("PRAGMA page_count"), audit.PageCount);
        Assert.True(audit.FirstTxid >= before.Captured && audit.Txid >= audit.FirstTxid && audit.Finished >= audit.Started);
        Assert.Equal(audit, run.StatusOf(DatabasePath)!.Audit);
        Assert.Equal(audit, Replicator.ReadLastAudit(DatabasePath, null, PhysicalFileSystem.Instance));
    }

    [Fact]
    public async Task An_audit_of_a_database_that_is_not_replicated_is_refused()
    {
        using var source = Create();
        await using var run = RunningReplicator.Start(Options());
        await run.WaitUntilShippedAsync(DatabasePath);

        await Assert.ThrowsAsync<TidemarkException>(
            () => run.Replicator.AuditAsync(_folder["other.db"], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_difference_is_an_error_with_the_pages_and_is_captured_and_audited_again()
    {
        using var source = Create();
        using var events = new EventLog();
        await using var run = RunningReplicator.Start(Options() with { AuditInterval = TimeSpan.FromDays(1) }, events);
        var before = await run.WaitUntilShippedAsync(DatabasePath);
        SpoilTable(2);

        var audit = await run.Replicator.AuditAsync(DatabasePath, TestContext.Current.CancellationToken);

        Assert.Equal((AuditOutcome.Different, 1L), (audit.Outcome, audit.DifferentPages));
        var (level, text) = Assert.Single(events.Of(FoundDifference));
        Assert.Equal(LogLevel.Error, level);
        Assert.Contains("page 2.", text, StringComparison.Ordinal);
        await run.WaitUntilShippedAsync(DatabasePath, before.Captured);
        var status = await run.WaitAsync(DatabasePath, status => status.Audit is { Outcome: AuditOutcome.Equal });
        Assert.True(status.Audit!.Txid > before.Captured);
        Assert.NotEmpty(events.Of(Audited));
    }

    [Fact]
    public async Task A_database_is_audited_once_in_each_interval_and_a_restart_does_not_change_that()
    {
        var time = new SteppedTime();
        using var source = Create();
        var options = new DatabaseOptions { DatabasePath = DatabasePath, Destinations = [new MemoryStore()], ShutdownTimeout = TimeSpan.Zero };
        using var events = new EventLog();
        await using (var run = RunningReplicator.Start(time, events, options))
        {
            await time.AdvanceUntilAsync(() => run.StatusOf(DatabasePath) is { Captured.IsNone: false });
            var begun = time.GetUtcNow();
            await PassAsync(time, TimeSpan.FromDays(5));
            await time.AdvanceUntilAsync(() => events.Of(Audited).Count >= 5);
            Assert.InRange(events.Of(Audited).Count, 5, (time.GetUtcNow() - begun).TotalDays + 1);

            var stop = run.StopAsync();
            while (!stop.IsCompleted)
            {
                time.Advance(TimeSpan.FromSeconds(1)); // The end leaves the file alone for a moment.
                await Task.Yield();
            }

            await stop;
        }

        var before = events.Of(Audited).Count;
        await using (var run = RunningReplicator.Start(time, events, options with { AuditInterval = TimeSpan.FromDays(1000) }))
        {
            await time.AdvanceUntilAsync(() => run.StatusOf(DatabasePath) is { LastSuccess: not null });
            Assert.NotNull(run.StatusOf(DatabasePath)!.Audit);
            await PassAsync(time, TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1));
            Assert.Equal(before, events.Of(Audited).Count);
        }
    }

    [Fact]
    public async Task An_end_that_was_not_in_order_is_followed_by_an_audit_and_one_in_order_is_not()
    {
        using var source = Create();
        var options = Options() with { AuditInterval = TimeSpan.FromDays(1) };
        var record = Path.Combine(_folder[".app.db-tidemark"], "audit");
        byte[] asAKillLeavesIt;
        await using (var run = RunningReplicator.Start(options))
        {
            await run.WaitUntilShippedAsync(DatabasePath);
            await run.WaitAsync(DatabasePath, _ => File.Exists(record));
            asAKillLeavesIt = PlainFile.Read(record);
            await run.StopAsync();
        }

        await using (var run = RunningReplicator.Start(options))
        {
            var status = await run.WaitAsync(DatabasePath, status => status.LastSuccess is not null);
            Assert.Null(status.Audit);
            await run.StopAsync();
        }

        using (var file = PhysicalFileSystem.Instance.Open(record, FileMode.Create, FileAccess.ReadWrite))
        {
            file.Write(0, asAKillLeavesIt);
        }

        await using (var run = RunningReplicator.Start(options))
        {
            await run.WaitAsync(DatabasePath, status => status.Audit is { Outcome: AuditOutcome.Equal });
        }
    }

    [Fact]
    public async Task An_audit_that_cannot_read_says_so_and_is_made_later()
    {
        using var source = Create();
        using var events = new EventLog();
        await using var run = RunningReplicator.Start(Options(), events);
        await run.WaitUntilShippedAsync(DatabasePath);
        var table = Path.Combine(_folder[".app.db-tidemark"], "pages");
        File.Move(table, table + ".away");
        Directory.CreateDirectory(table); // Neither root nor anybody else can open it for writing.

        await Assert.ThrowsAnyAsync<Exception>(() => run.Replicator.AuditAsync(DatabasePath, TestContext.Current.CancellationToken));

        Assert.NotNull(run.StatusOf(DatabasePath)!.AuditFailure);
        Assert.NotEmpty(events.Of(Failed));
        Assert.Empty(events.Of(FoundDifference));
        Directory.Delete(table);
        File.Move(table + ".away", table);
        var audit = await run.Replicator.AuditAsync(DatabasePath, TestContext.Current.CancellationToken);
        Assert.Equal(AuditOutcome.Equal, audit.Outcome);
        Assert.Null(run.StatusOf(DatabasePath)!.AuditFailure);
    }

    [Fact]
    public async Task A_database_that_everybody_has_left_is_opened_for_its_audit_and_closed_again()
    {
        using (Create())
        {
        }

        await using var run = RunningReplicator.Start(Options() with { HasProcessToItself = true });
        await run.WaitAsync(DatabasePath, status => status.Captured > Txid.None && !File.Exists(DatabasePath + "-wal"));

        var audit = await run.Replicator.AuditAsync(DatabasePath, TestContext.Current.CancellationToken);

        Assert.Equal(AuditOutcome.Equal, audit.Outcome);
        await run.WaitAsync(DatabasePath, _ => !File.Exists(DatabasePath + "-wal"));
    }

    [Fact]
    public async Task A_run_once_audits_on_demand_and_fails_where_something_differed_after_it_has_captured_and_shipped_it()
    {
        using var source = Create();
        var store = new MemoryStore();
        var once = new OnceOptions { Audits = true };
        await RunOnceAsync();
        Assert.Equal(AuditOutcome.Equal, Replicator.ReadLastAudit(DatabasePath, null, PhysicalFileSystem.Instance)!.Outcome);
        var before = await HeadAsync();

        // The sum of the table has to be right, or it is not believed; so two wrong entries that cancel each other out.
        SpoilTable(2, 3);
        var failure = await Assert.ThrowsAsync<TidemarkException>(RunOnceAsync);

        Assert.Contains("2 pages were not what was captured", failure.Message, StringComparison.Ordinal);
        Assert.True(await HeadAsync() > before);
        Assert.Equal(AuditOutcome.Different, Replicator.ReadLastAudit(DatabasePath, null, PhysicalFileSystem.Instance)!.Outcome);
        await RunOnceAsync();
        Assert.Equal(AuditOutcome.Equal, Replicator.ReadLastAudit(DatabasePath, null, PhysicalFileSystem.Instance)!.Outcome);

        Task RunOnceAsync() => new Replicator(
            [Options(store)], PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance)
            .RunOnceAsync(once, TestContext.Current.CancellationToken);

        async Task<Txid> HeadAsync()
            => (await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken)).Max(file => file.MaxTxid);
    }

    private void SpoilTable(params ReadOnlySpan<int> pages)
    {
        foreach (var page in pages)
        {
            OtherProcess.Toggle(Path.Combine(_folder[".app.db-tidemark"], "pages"), TableHead + (8 * (page - 1)));
        }
    }

    private static async Task PassAsync(SteppedTime time, TimeSpan duration, TimeSpan? step = null)
    {
        for (var end = time.GetUtcNow() + duration; time.GetUtcNow() < end;)
        {
            await time.AdvanceAsync(step ?? TimeSpan.FromHours(1));
        }
    }

    private DatabaseOptions Options(params IReadOnlyList<IReplicaStore> stores)
        => RunningReplicator.Options(DatabasePath, stores.Count > 0 ? stores : [new MemoryStore()]) with
        {
            AuditInterval = TimeSpan.Zero, AuditBytesPerSecond = 0,
        };

    private SourceDatabase Create()
    {
        var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(1000);
        return source;
    }
}
