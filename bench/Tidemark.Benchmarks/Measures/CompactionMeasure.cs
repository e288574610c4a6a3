using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How long captures in a folder take to become files of the next level, and a snapshot, compared with copying them into one file.
/// Everything is durable at the end.</summary>
internal sealed class CompactionMeasure : IMeasure
{
    private const int Captures = 300;
    private const int BytesOfTransaction = 1_500_000;
    private const int Repetitions = 5;
    private const double GoalMegabytes = 150;

    public string Name => "compaction";

    public async Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        await CaptureAsync(workspace);
        var captures = workspace["replica/ltx/0"];
        var megabytes = new DirectoryInfo(captures).EnumerateFiles().Sum(file => file.Length) / 1e6;
        var (copy, compaction, composition) = (new List<double>(), new List<double>(), new List<double>());
        await CompactAsync(workspace); // Compiles everything and warms the cache.
        for (var i = 0; i < Repetitions; i++)
        {
            copy.Add(SystemCopy.TimeTogether(captures, workspace["copy"]));
            workspace.Remove("copy");
            compaction.Add(await CompactAsync(workspace));
            composition.Add(await ComposeAsync(workspace));
        }

        var ofCompaction = RoleProcess.Run(Role.Compact, workspace["replica"], workspace["merges"]);
        workspace.Remove("replica/ltx/1");
        var ofComposition = RoleProcess.Run(Role.Compose, workspace["replica"], workspace["merges"]);
        workspace.Remove("app.db", "replica", "merges");
        var what = FormattableString.Invariant($"{Captures} captures of {megabytes:0} MB");
        return
        [
            Figure.Plain($"compaction of {what}", new Sample(compaction), "s"),
            Figure.Ratio($"compaction of {what}, to cat", compaction, copy, 3.0),
            Figure.Plain($"snapshot of {what}, to cat", new Sample(composition.Zip(copy, (own, other) => own / other)), "x"),
            Figure.Below($"peak memory, compaction of {what}", ofCompaction.PeakBytes / 1e6, GoalMegabytes, "MB"),
            Figure.Below($"peak memory, snapshot of {what}", ofComposition.PeakBytes / 1e6, GoalMegabytes, "MB"),
        ];
    }

    private static async Task CaptureAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], 1_000_000);
        using (var application = Connection.OpenWal(workspace["app.db"]))
        using (var engine = new Engine(workspace["app.db"], workspace["spool"]))
        {
            for (var i = 0; i < Captures; i++)
            {
                SampleDatabase.Fill(application, BytesOfTransaction);
                engine.Capture();
                engine.Seal();
            }

            await engine.ShipAsync(workspace["replica"]);
        }

        workspace.Remove("spool");
    }

    private static async Task<double> CompactAsync(Workspace workspace)
        => await TimeAsync(workspace, "replica/ltx/1", async () => await Merging.CompactAsync(workspace["replica"], workspace["merges"], new Level(1)));

    private static async Task<double> ComposeAsync(Workspace workspace)
        => await TimeAsync(workspace, "replica/ltx/9", () => Merging.ComposeAsync(workspace["replica"], workspace["merges"]));

    private static async Task<double> TimeAsync(Workspace workspace, string result, Func<Task> run)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        await run();
        var elapsed = time.GetElapsedTime(started);
        workspace.Remove(result);
        return elapsed.TotalSeconds;
    }
}
