using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How long it takes until a database that was never replicated lies in the spool, and in the folder of the replica, compared with
/// copying it.</summary>
internal sealed class FirstImageMeasure : IMeasure
{
    private const long SizeBytes = 500_000_000;
    private const int Repetitions = 5;

    public string Name => "image";

    public async Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], SizeBytes);
        var (copy, spool, folder) = (new List<double>(), new List<double>(), new List<double>());
        await ImageAsync(workspace); // Compiles everything and warms the cache.
        for (var i = 0; i < Repetitions; i++)
        {
            copy.Add(SystemCopy.Time(workspace["app.db"], workspace["copy.db"]));
            workspace.Remove("copy.db");
            var (toSpool, toFolder) = await ImageAsync(workspace);
            spool.Add(toSpool);
            folder.Add(toFolder);
        }

        workspace.Remove("app.db");
        return
        [
            Figure.Plain("cp and fsync of 500 MB", new Sample(copy), "s"),
            Figure.Ratio("first image of 500 MB, in the spool, to cp", spool, copy, 2),
            Figure.Ratio("first image of 500 MB, in the folder too, to cp", folder, copy, 2),
        ];
    }

    private static async Task<(double ToSpoolSeconds, double ToFolderSeconds)> ImageAsync(Workspace workspace)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        TimeSpan toSpool;
        using (var engine = new Engine(workspace["app.db"], workspace["spool"]))
        {
            engine.Capture();
            toSpool = time.GetElapsedTime(started);
            await engine.ShipAsync(workspace["replica"]);
        }

        var toFolder = time.GetElapsedTime(started);
        workspace.Remove("spool", "replica");
        return (toSpool.TotalSeconds, toFolder.TotalSeconds);
    }
}
