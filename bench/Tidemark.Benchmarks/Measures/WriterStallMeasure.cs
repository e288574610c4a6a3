using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How much longer transactions take because a replicator runs, above all while it drains and seals the WAL.</summary>
internal sealed class WriterStallMeasure : IMeasure
{
    private const double TransactionsPerSecond = 500;
    private const int Repetitions = 3;

    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(12);

    public string Name => "stall";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        var (alone, replicated, checkpointed) = (new List<double>(), new List<double>(), new List<double>());
        var writeLocks = new List<double>();
        var peaks = new List<double>();
        for (var i = 0; i < Repetitions; i++)
        {
            SampleDatabase.Create(workspace["app.db"], 20_000_000);
            alone.AddRange(Write(workspace).Select(transaction => transaction.Milliseconds));
            workspace.Remove("app.db");

            SampleDatabase.Create(workspace["app.db"], 20_000_000);
            using (var watch = new ReplicaWatch(workspace["replica"]))
            using (var replicator = RoleProcess.Start(Role.Replicate, workspace["app.db"], workspace["replica"]))
            {
                watch.Take(); // The first image.
                var transactions = Write(workspace);
                peaks.Add(replicator.End().PeakBytes / 1e6);
                var windows = CheckpointWindows(replicator.Events);
                replicated.AddRange(transactions.Select(transaction => transaction.Milliseconds));
                checkpointed.AddRange(transactions
                    .Where(transaction => windows.Any(window => transaction.Overlaps(window.From, window.To)))
                    .Select(transaction => transaction.Milliseconds));
                writeLocks.AddRange(replicator.Events.Where(what => what.WriteLockMs > 0).Select(what => what.WriteLockMs));
            }

            workspace.Remove("app.db", ".app.db-tidemark", "replica");
        }

        var during = new Sample(checkpointed);
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Spread("transaction without a replicator", new Sample(alone), "ms"),
            Figure.Spread("transaction with a replicator", new Sample(replicated), "ms"),
            Figure.Spread("transaction during drain and seal", during, "ms"),
            Figure.Spread("write lock held by a seal", new Sample(writeLocks), "ms"),
            Figure.Below("writer stall, p99 of all transactions", new Sample(replicated).At(0.99), 10, "ms"),
            Figure.Below("writer stall, p99 during drain and seal", during.At(0.99), 10, "ms"),
            Figure.Below("peak memory of a replicator of 20 MB at 500 transactions a second", peaks.Max(), 150, "MB"),
        ]);
    }

    private static List<TransactionTime> Write(Workspace workspace)
    {
        Machine.Settle();
        return PacedWriter.Run(workspace["app.db"], TransactionsPerSecond, s_duration);
    }

    // A checkpoint follows right after a capture, which tells when it began.
    private static List<(long From, long To)> CheckpointWindows(IEnumerable<EngineEvent> events)
    {
        var windows = new List<(long From, long To)>();
        var captured = long.MaxValue;
        foreach (var what in events)
        {
            if (what.Kind == EngineEventKind.Captured)
            {
                captured = what.Timestamp;
            }
            else
            {
                windows.Add((captured, what.Timestamp));
            }
        }

        return windows;
    }
}
