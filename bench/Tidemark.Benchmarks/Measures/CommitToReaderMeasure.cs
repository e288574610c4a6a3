using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How long after a commit a reader of the followed copy sees it. Replicator and follower run in processes of their own, with
/// their defaults.</summary>
internal sealed class CommitToReaderMeasure : IMeasure
{
    private const int Commits = 100;
    private const int CommitsWithoutNotices = 30;
    private const int PauseMsMin = 1150;
    private const int PauseMsMax = 1700;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(1);

    public string Name => "visible";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], 20_000_000);
        RoleUsage usage;
        List<double> noticed, polled;
        using (var application = Connection.OpenWal(workspace["app.db"]))
        using (var replicator = RoleProcess.Start(Role.Replicate, workspace["app.db"], workspace["replica"]))
        {
            replicator.WaitUntilSettled();
            (noticed, usage) = Follow(workspace, Role.Follow, application, Commits);
            (polled, _) = Follow(workspace, Role.FollowWithoutNotices, application, CommitsWithoutNotices);
            replicator.End();
        }

        workspace.Remove("app.db", ".app.db-tidemark", "replica");
        var sample = new Sample(noticed);
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Spread("commit to reader of the copy", sample, "ms"),
            Figure.Below("commit to reader of the copy, p50", sample.Median, 50, "ms"),
            Figure.Below("commit to reader of the copy, p99", sample.At(0.99), 250, "ms"),
            Figure.Spread("commit to reader of the copy, without notices", new Sample(polled), "ms"),
            Figure.Below("peak memory of a follower of 20 MB", usage.PeakBytes / 1e6, 150, "MB"),
        ]);
    }

    private static (List<double> Delays, RoleUsage Usage) Follow(Workspace workspace, string role, Connection application, int commits)
    {
        using var follower = RoleProcess.Start(role, workspace["replica"], workspace["copy.db"]);
        while (!File.Exists(workspace["copy.db-txid"]))
        {
            Pause.For(s_look);
        }

        var delays = new List<double>();
        using (var reader = new Connection(workspace["copy.db"]))
        using (var insert = application.Prepare("INSERT INTO log(line) VALUES(hex(randomblob(50))) RETURNING id"))
        using (var last = reader.Prepare("SELECT max(id) FROM log"))
        {
            for (var i = 0; i <= commits; i++)
            {
                // Longer than the interval in which changes are gathered, and out of step with everything that is periodic.
                Pause.For(TimeSpan.FromMilliseconds(Random.Shared.Next(PauseMsMin, PauseMsMax)));
                var id = application.Run(insert);
                var committed = TimeProvider.System.GetTimestamp();
                while (reader.Run(last) != id)
                {
                    Pause.For(s_look);
                }

                if (i > 0)
                {
                    delays.Add(TimeProvider.System.GetElapsedTime(committed).TotalMilliseconds);
                }
            }
        }

        var usage = follower.End();
        workspace.Remove("copy.db", "copy.db-txid", "copy.db-follow");
        return (delays, usage);
    }
}
