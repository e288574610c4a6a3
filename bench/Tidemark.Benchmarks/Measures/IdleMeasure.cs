using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;
using Tidemark.Replicas.Files;
using Tidemark.Replication;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How many requests a database makes that nobody writes to any more, by a clock that is driven through two days. They are those
/// of the folder's store; each would be one to a store in a network.</summary>
internal sealed class IdleMeasure : IMeasure
{
    private const int Commits = 100;
    private const int RestHours = 48;
    private const double OtherRequestsAnHourMax = 1;

    // Compaction of the last level that runs within hours, and retention of what it replaces, are over then.
    private static readonly TimeSpan s_untilRest = TimeSpan.FromHours(2);

    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(1);

    // What the replicator does takes real time, which the clock does not know of.
    private static readonly TimeSpan s_captureTime = TimeSpan.FromMilliseconds(30);

    public string Name => "idle";

    public async Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.CreateSmall(workspace["app.db"], 80_000);
        var clock = new DrivenClock();
        var database = ReplicatorRole.One(workspace["app.db"], workspace["replica"]);
        var store = new CountingStore(database.Destinations[0]);
        using var stop = new CancellationTokenSource();
        var replicator = new Replicator(
            [database with { Destinations = [store] }], PhysicalFileSystem.Instance, clock, NullLoggerFactory.Instance);
        var running = replicator.RunAsync(stop.Token, CancellationToken.None);
        await WriteAsync(workspace, clock);

        var settling = await CountAsync(clock, store, s_untilRest);
        var status = replicator.GetStatus()[0];
        if (status.Captured.Value <= Commits / 2 || status.Destinations[0].LagTransactions > 0)
        {
            throw new InvalidOperationException("The database was not replicated, so nothing can be said about one that rests.");
        }

        var resting = await CountAsync(clock, store, TimeSpan.FromHours(RestHours));
        await stop.CancelAsync();
        await clock.PassUntilAsync(running);
        workspace.Remove("app.db", ".app.db-tidemark", "replica");
        return
        [
            Figure.Plain("requests in the two hours after the last commit", settling.Lists + settling.Others, "requests"),
            Figure.AtMost($"listings of an idle database, over {RestHours} hours", (double)resting.Lists / RestHours, 0, "an hour"),
            Figure.AtMost(
                $"other requests of an idle database, over {RestHours} hours",
                (double)resting.Others / RestHours,
                OtherRequestsAnHourMax,
                "an hour"),
        ];
    }

    private static async Task WriteAsync(Workspace workspace, DrivenClock clock)
    {
        using var application = Connection.OpenWal(workspace["app.db"]);
        for (var i = 0; i < Commits; i++)
        {
            application.Run("INSERT INTO log(line) VALUES(hex(randomblob(50)))");
            Pause.For(s_captureTime);
            await clock.PassAsync(s_step, s_step);
        }
    }

    private static async Task<(long Lists, long Others)> CountAsync(DrivenClock clock, CountingStore store, TimeSpan duration)
    {
        var (lists, others) = (store.Lists, store.Others);
        await clock.PassAsync(duration, s_step);
        return (store.Lists - lists, store.Others - others);
    }
}
