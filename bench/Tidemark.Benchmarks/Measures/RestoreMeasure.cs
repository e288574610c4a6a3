using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;
using Tidemark.Replicas.Restore;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How long a restore from a folder takes, compared with copying the database. Both are durable at the end.</summary>
internal sealed class RestoreMeasure : IMeasure
{
    private const double GoalMegabytes = 150;
    private const int Repetitions = 5;

    private static readonly (string Text, long Bytes)[] s_sizes = [("500 MB", 500_000_000), ("2 GB", 2_000_000_000)];

    public string Name => "restore";

    public async Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        var figures = new List<Figure>();
        foreach (var (text, bytes) in s_sizes)
        {
            SampleDatabase.Create(workspace["app.db"], bytes);
            await LayeredReplica.CreateAsync(workspace, "app.db");
            figures.AddRange(await CompareAsync(workspace, text));
            workspace.Remove("app.db", "replica");
        }

        return figures;
    }

    private static async Task<IReadOnlyList<Figure>> CompareAsync(Workspace workspace, string text)
    {
        var (copies, restores) = (new List<double>(), new List<double>());
        var (_, result) = await RestoreAsync(workspace); // Compiles everything and warms the cache.
        for (var i = 0; i < Repetitions; i++)
        {
            copies.Add(SystemCopy.Time(workspace["app.db"], workspace["copy.db"]));
            workspace.Remove("copy.db");
            restores.Add((await RestoreAsync(workspace)).Seconds);
        }

        var usage = RoleProcess.Run(Role.Restore, workspace["replica"], workspace["restored.db"]);
        workspace.Remove("restored.db");
        var files = result.Plan.Files;
        var what = FormattableString.Invariant(
            $"{text} from {files.Count} files of {files.Select(file => file.Level).Distinct().Count()} levels");
        return
        [
            Figure.Plain($"cp and fsync of {text}", new Sample(copies), "s"),
            Figure.Plain($"restore of {what}", new Sample(restores), "s"),
            Figure.Ratio($"restore of {what}, to cp", restores, copies, 1.5),
            Figure.Plain($"processor time, restore of {text}", usage.ProcessorSeconds, "s"),
            Figure.Below($"peak memory, restore of {what}", usage.PeakBytes / 1e6, GoalMegabytes, "MB"),
        ];
    }

    private static async Task<(double Seconds, RestoreResult Result)> RestoreAsync(Workspace workspace)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        var result = await Engine.RestoreAsync(workspace["replica"], workspace["restored.db"]);
        var elapsed = time.GetElapsedTime(started);
        workspace.Remove("restored.db");
        return (elapsed.TotalSeconds, result);
    }
}
