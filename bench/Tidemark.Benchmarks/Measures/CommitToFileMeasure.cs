using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;
using Tidemark.Replicas.Files;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How long after a commit its capture lies in the folder of the replica. The replicator runs in a process of its own, with its
/// defaults.</summary>
internal sealed class CommitToFileMeasure : IMeasure
{
    private const int Commits = 40;
    private const int PauseMsMin = 1150;
    private const int PauseMsMax = 1700;

    public string Name => "lag";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], 20_000_000);
        var lags = new List<double>();
        var publishes = new List<double>();
        long peakBytes;
        using (var application = Connection.OpenWal(workspace["app.db"]))
        using (var watch = new ReplicaWatch(workspace["replica"]))
        using (var replicator = RoleProcess.Start(Role.Replicate, workspace["app.db"], workspace["replica"]))
        {
            watch.Take(); // The first image.
            using var insert = application.Prepare("INSERT INTO log(line) VALUES(hex(randomblob(50)))");
            for (var i = 0; i <= Commits; i++)
            {
                // Longer than the interval in which changes are gathered, and out of step with everything that is periodic.
                Pause.For(TimeSpan.FromMilliseconds(Random.Shared.Next(PauseMsMin, PauseMsMax)));
                application.Run(insert);
                var committed = TimeProvider.System.GetTimestamp();
                var lag = TimeProvider.System.GetElapsedTime(committed, watch.Take()).TotalMilliseconds;
                var publish = PublishOne(workspace);
                if (i > 0)
                {
                    lags.Add(lag);
                    publishes.Add(publish);
                }
            }

            peakBytes = replicator.End().PeakBytes;
        }

        workspace.Remove("app.db", ".app.db-tidemark", "replica");
        var sample = new Sample(lags);
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Spread("write, fsync, rename and fsync of the folder, once", new Sample(publishes), "ms"),
            Figure.Spread("commit to file", sample, "ms"),
            Figure.Below("commit to file, p50", sample.Median, 20, "ms"),
            Figure.Below("commit to file, p99", sample.At(0.99), 100, "ms"),
            Figure.Below("peak memory of a replicator of 20 MB at rest", peakBytes / 1e6, 150, "MB"),
        ]);
    }

    // What the disk itself asks for one small file that is durable. A commit needs two of them: in the spool and in the folder.
    private static double PublishOne(Workspace workspace)
    {
        var files = PhysicalFileSystem.Instance;
        var started = TimeProvider.System.GetTimestamp();
        using (var file = files.Open(workspace["new"], FileMode.CreateNew, FileAccess.ReadWrite))
        {
            file.Write(0, new byte[500]);
            file.Sync();
        }

        files.Move(workspace["new"], workspace["published"]);
        files.SyncDirectory(workspace.Folder);
        var elapsed = TimeProvider.System.GetElapsedTime(started);
        workspace.Remove("published");
        return elapsed.TotalMilliseconds;
    }
}
