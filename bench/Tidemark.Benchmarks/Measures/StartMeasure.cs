using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How long it takes until many databases are replicated: for the first time, again after an orderly end, and after a kill.</summary>
internal sealed class StartMeasure : IMeasure
{
    private const int Count = 1_000;

    public string Name => "start";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        DatabaseFolder.Create(workspace["many"], Count);
        var first = Start(workspace, replicator => replicator.End());
        var afterEnd = Start(workspace, replicator => replicator.Kill());
        var afterKill = Start(workspace, replicator => replicator.End());
        workspace.Remove("many", "replicas");
        var what = FormattableString.Invariant($"{Count:#,0} small databases");
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Plain($"first start with {what}, until all are in their folders", first, "s"),
            Figure.Plain($"start with {what} after an orderly end, until all are known to be", afterEnd, "s"),
            Figure.Plain($"start with {what} after a kill, until all are known to be", afterKill, "s"),
        ]);
    }

    private static double Start(Workspace workspace, Action<RoleProcess> end)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        using var replicator = RoleProcess.Start(Role.ReplicateAll, workspace["many"], workspace["replicas"]);
        replicator.WaitUntilSettled();
        var elapsed = time.GetElapsedTime(started);
        end(replicator);
        return elapsed.TotalSeconds;
    }
}
