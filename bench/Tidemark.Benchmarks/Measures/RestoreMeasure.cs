using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How long a restore from a folder takes, compared with copying the database. Both are durable at the end.</summary>
internal sealed class RestoreMeasure : IMeasure
{
    private const long SizeBytes = 500_000_000;
    private const int Repetitions = 5;

    public string Name => "restore";

    public async Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], SizeBytes);
        using (var engine = new Engine(workspace["app.db"], workspace["spool"]))
        {
            engine.Capture();
            await engine.ShipAsync(workspace["replica"]);
        }

        workspace.Remove("spool");
        var (copy, restore) = (new List<double>(), new List<double>());
        await RestoreAsync(workspace); // Compiles everything and warms the cache.
        for (var i = 0; i < Repetitions; i++)
        {
            copy.Add(SystemCopy.Time(workspace["app.db"], workspace["copy.db"]));
            workspace.Remove("copy.db");
            restore.Add(await RestoreAsync(workspace));
        }

        workspace.Remove("app.db", "replica");
        return
        [
            Figure.Plain("restore of 500 MB", new Sample(restore), "s"),
            Figure.Ratio("restore of 500 MB, to cp", restore, copy, 1.5),
        ];
    }

    private static async Task<double> RestoreAsync(Workspace workspace)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        await Engine.RestoreAsync(workspace["replica"], workspace["restored.db"]);
        var elapsed = time.GetElapsedTime(started);
        workspace.Remove("restored.db");
        return elapsed.TotalSeconds;
    }
}
