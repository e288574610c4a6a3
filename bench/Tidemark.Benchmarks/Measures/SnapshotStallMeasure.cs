using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How much longer transactions take while a scheduled snapshot of a large database is composed.</summary>
internal sealed class SnapshotStallMeasure : IMeasure
{
    private const long SizeBytes = 1_000_000_000;
    private const double TransactionsPerSecond = 500;
    private const double GoalMilliseconds = 15;

    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_patience = 5 * Role.SnapshotInterval;

    public string Name => "snapshot-stall";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], SizeBytes);
        Machine.Settle();
        var alone = PacedWriter.Run(workspace["app.db"], TransactionsPerSecond, s_duration);
        var replicated = WriteBesideReplicator(workspace);
        var (beside, during, seconds) = WriteDuringSnapshot(workspace);
        workspace.Remove("app.db");

        var stalls = Milliseconds(during);
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Spread("transaction in 1 GB without a replicator", Milliseconds(alone), "ms"),
            Figure.Spread("transaction in 1 GB with a replicator that makes no snapshot", Milliseconds(replicated), "ms"),
            Figure.Spread("transaction in 1 GB with a replicator before it makes a snapshot", Milliseconds(beside), "ms"),
            Figure.Spread("transaction while a snapshot of 1 GB is composed", stalls, "ms"),
            Figure.Below("writer stall while a snapshot of 1 GB is composed, p99", stalls.At(0.99), GoalMilliseconds, "ms"),
            Figure.Plain("snapshot of 1 GB beside 500 transactions a second", seconds, "s"),
        ]);
    }

    private static List<TransactionTime> WriteBesideReplicator(Workspace workspace)
    {
        using var replicator = RoleProcess.Start(Role.ReplicateWithoutSnapshots, workspace["app.db"], workspace["replica"]);
        replicator.WaitUntilSettled();
        Machine.Settle();
        var transactions = PacedWriter.Run(workspace["app.db"], TransactionsPerSecond, s_duration);
        replicator.End();
        workspace.Remove(".app.db-tidemark", "replica");
        return transactions;
    }

    /// <summary>Writes until a snapshot was composed.</summary>
    /// <returns>The transactions before it and during it, and how long it took.</returns>
    private static (IEnumerable<TransactionTime> Before, IEnumerable<TransactionTime> During, double Seconds) WriteDuringSnapshot(
        Workspace workspace)
    {
        using var replicator = RoleProcess.Start(Role.ReplicateWithSnapshots, workspace["app.db"], workspace["replica"]);
        replicator.WaitUntilSettled();
        Machine.Settle();
        var time = TimeProvider.System;
        var due = time.GetTimestamp() + ToTimestamp(UntilNextSnapshot(time.GetUtcNow()));
        var transactions = PacedWriter.Run(
            workspace["app.db"],
            TransactionsPerSecond,
            elapsed => elapsed >= s_patience || replicator.Events.Any(what => what.Kind == EngineEventKind.Composed));
        var snapshots = Directory.GetFiles(workspace["replica/ltx/9"]).Length;
        replicator.End();
        workspace.Remove(".app.db-tidemark", "replica");

        var composed = replicator.Events.FirstOrDefault(what => what.Kind == EngineEventKind.Composed).Timestamp;
        if (composed == 0 || snapshots == 0)
        {
            throw new InvalidOperationException("No snapshot was composed, so nothing can be said about a writer beside it.");
        }

        // It was due at once if another minute had begun before the first transaction.
        var began = composed > due ? due : transactions[0].Started;
        return (
            transactions.Where(transaction => transaction.Ended < began),
            transactions.Where(transaction => transaction.Overlaps(began, composed)),
            time.GetElapsedTime(began, composed).TotalSeconds);
    }

    private static TimeSpan UntilNextSnapshot(DateTimeOffset now)
        => Role.SnapshotInterval - TimeSpan.FromTicks(now.UtcTicks % Role.SnapshotInterval.Ticks);

    private static long ToTimestamp(TimeSpan duration) => (long)(duration.TotalSeconds * TimeProvider.System.TimestampFrequency);

    private static Sample Milliseconds(IEnumerable<TransactionTime> transactions)
        => new(transactions.Select(transaction => transaction.Milliseconds));
}
