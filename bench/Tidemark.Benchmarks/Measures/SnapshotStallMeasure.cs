using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How much longer transactions take while scheduled snapshots of a large database are composed.</summary>
internal sealed class SnapshotStallMeasure : IMeasure
{
    private const long SizeBytes = 1_000_000_000;
    private const double TransactionsPerSecond = 500;
    private const int Snapshots = 3;
    private const double GoalMilliseconds = 15;

    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_patience = 10 * Role.SnapshotInterval;

    public string Name => "snapshot-stall";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], SizeBytes);
        Machine.Settle();
        var alone = PacedWriter.Run(workspace["app.db"], TransactionsPerSecond, s_duration);
        var replicated = WriteBesideReplicator(workspace);
        var (transactions, snapshots) = WriteBesideSnapshots(workspace);
        workspace.Remove("app.db");

        var during = transactions.ToLookup(transaction => snapshots.Any(snapshot => transaction.Overlaps(snapshot.From, snapshot.To)));
        var stalls = Milliseconds(during[true]);
        var seconds = snapshots.Select(snapshot => TimeProvider.System.GetElapsedTime(snapshot.From, snapshot.To).TotalSeconds);
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Spread("transaction in 1 GB without a replicator", Milliseconds(alone), "ms"),
            Figure.Spread("transaction in 1 GB with a replicator that makes no snapshot", Milliseconds(replicated), "ms"),
            Figure.Spread("transaction in 1 GB between two snapshots", Milliseconds(during[false]), "ms"),
            Figure.Spread("transaction while a snapshot of 1 GB is composed", stalls, "ms"),
            Figure.Below("writer stall while a snapshot of 1 GB is composed, p99", stalls.At(0.99), GoalMilliseconds, "ms"),
            Figure.Plain("snapshot of 1 GB beside 500 transactions a second", new Sample(seconds), "s"),
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

    /// <summary>Writes until a few snapshots were composed.</summary>
    /// <returns>The transactions, and when each snapshot was underway.</returns>
    private static (List<TransactionTime> Transactions, List<(long From, long To)> Snapshots) WriteBesideSnapshots(Workspace workspace)
    {
        using var replicator = RoleProcess.Start(Role.ReplicateWithSnapshots, workspace["app.db"], workspace["replica"]);
        replicator.WaitUntilSettled();
        Machine.Settle();
        var transactions = PacedWriter.Run(
            workspace["app.db"],
            TransactionsPerSecond,
            elapsed => elapsed >= s_patience || Composed(replicator).Count() >= Snapshots);
        var files = Directory.GetFiles(workspace["replica/ltx/9"]).Length;
        replicator.End();
        workspace.Remove(".app.db-tidemark", "replica");

        var windows = new List<(long From, long To)>();
        foreach (var ended in Composed(replicator))
        {
            var before = windows.Count > 0 ? windows[^1].To : transactions[0].Started;
            windows.Add((DueAfter(before) is var due && due < ended ? due : before, ended));
        }

        return windows.Count >= Snapshots && files >= Snapshots
            ? (transactions, windows)
            : throw new InvalidOperationException("No snapshots were composed, so nothing can be said about a writer beside them.");
    }

    private static IEnumerable<long> Composed(RoleProcess replicator)
        => replicator.Events.Where(what => what.Kind == EngineEventKind.Composed).Select(what => what.Timestamp);

    // A snapshot falls due at each multiple of its interval. What ran before that moment was not beside it.
    private static long DueAfter(long timestamp)
    {
        var time = TimeProvider.System;
        var (now, nowUtc) = (time.GetTimestamp(), time.GetUtcNow());
        var rest = Role.SnapshotInterval.Ticks - ((nowUtc - time.GetElapsedTime(timestamp, now)).UtcTicks % Role.SnapshotInterval.Ticks);
        return timestamp + (long)(TimeSpan.FromTicks(rest).TotalSeconds * time.TimestampFrequency);
    }

    private static Sample Milliseconds(IEnumerable<TransactionTime> transactions)
        => new(transactions.Select(transaction => transaction.Milliseconds));
}
