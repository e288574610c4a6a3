using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Workloads;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Stores;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How fast a follower applies what it has missed, compared with copying as many bytes, and with SQLite when it makes the same
/// changes by SQL. All sides are durable at the end.</summary>
internal sealed class FollowMeasure : IMeasure
{
    private const long SizeBytes = 200_000_000;
    private const int Captures = 60;
    private const int RowsOfCapture = 1000;
    private const int Repetitions = 5;

    public string Name => "follow";

    public async Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        await CreateAsync(workspace);
        var (copies, statements, applies) = (new List<double>(), new List<double>(), new List<double>());
        var (_, pages) = await ApplyAsync(workspace); // Compiles everything and warms the cache.
        Machine.Run("head -c \"$1\" \"$2\" > \"$3\"", $"{pages * SampleDatabase.PageSizeBytes}", workspace["base.db"], workspace["pages"]);
        for (var i = 0; i < Repetitions; i++)
        {
            copies.Add(SystemCopy.Time(workspace["pages"], workspace["copy"]));
            workspace.Remove("copy");
            statements.Add(ChangeInPlace(workspace));
            applies.Add((await ApplyAsync(workspace)).Seconds);
        }

        workspace.Remove("base.db", "pages", "replica", "missed");
        var what = FormattableString.Invariant($"{Captures} missed captures of {pages} pages");
        return
        [
            Figure.Plain($"apply of {what}", new Sample(applies.Select(seconds => pages * SampleDatabase.PageSizeBytes / 1e6 / seconds)), "MB/s"),
            Figure.Plain($"apply of {what}, pages a second", new Sample(applies.Select(seconds => pages / seconds)), "pages/s"),
            Figure.Plain($"apply of {what}, to cp and fsync of the pages", Ratios(applies, copies), "x"),
            Figure.Plain($"apply of {what}, to the same UPDATEs in SQLite", Ratios(applies, statements), "x"),
        ];
    }

    private static Sample Ratios(List<double> own, List<double> other) => new(own.Zip(other, (ours, theirs) => ours / theirs));

    /// <summary>Makes <c>base.db</c>, its replica, and in the folder <c>missed</c> what comes after.</summary>
    private static async Task CreateAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], SizeBytes);
        Machine.Run("cp \"$1\" \"$2\"", workspace["app.db"], workspace["base.db"]);
        using (var application = Connection.OpenWal(workspace["app.db"]))
        using (var engine = new Engine(workspace["app.db"], workspace["spool"]))
        {
            engine.Capture();
            await engine.ShipAsync(workspace["replica"]);
            for (var i = 0; i < Captures; i++)
            {
                SampleDatabase.Change(application, RowsOfCapture, i);
                engine.Capture();
            }

            await engine.ShipAsync(workspace["all"]);
        }

        Directory.CreateDirectory(workspace["missed"]);
        foreach (var file in new DirectoryInfo(workspace["all/ltx/0"]).EnumerateFiles().OrderBy(file => file.Name).Skip(1))
        {
            file.MoveTo(Path.Combine(workspace["missed"], file.Name));
        }

        workspace.Remove("app.db", "spool", "all");
    }

    private static async Task<(double Seconds, long Pages)> ApplyAsync(Workspace workspace)
    {
        var store = new LocalStore(workspace["replica"], PhysicalFileSystem.Instance);
        var options = new FollowOptions { OutputPath = workspace["copy.db"] };
        using var step = new FollowStep(store, PhysicalFileSystem.Instance, TimeProvider.System, options);
        await step.RunAsync(CancellationToken.None);
        Machine.Run("ln \"$1\"/* \"$2\"", workspace["missed"], workspace["replica/ltx/0"]);
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        long pages = 0;
        FollowPosition position;
        do
        {
            position = await step.RunAsync(CancellationToken.None);
            pages += position.PagesWritten;
        }
        while (position.HasMore);
        var elapsed = time.GetElapsedTime(started);
        Machine.Run("cd \"$1\" && for file in *; do rm \"$2/$file\"; done", workspace["missed"], workspace["replica/ltx/0"]);
        workspace.Remove("copy.db", "copy.db-txid", "copy.db-follow");
        return (elapsed.TotalSeconds, pages);
    }

    /// <summary>One transaction in rollback mode, as the follower writes it. All of it fits into the cache, so it is synced once.</summary>
    private static double ChangeInPlace(Workspace workspace)
    {
        Machine.Run("cp \"$1\" \"$2\"", workspace["base.db"], workspace["copy.db"]);
        using var connection = new Connection(workspace["copy.db"]);
        connection.Run("PRAGMA journal_mode=DELETE");
        connection.Run("PRAGMA synchronous=FULL");
        connection.Run("PRAGMA cache_size=-400000");
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        connection.Run("BEGIN IMMEDIATE");
        for (var i = 0; i < Captures; i++)
        {
            SampleDatabase.Scatter(connection, RowsOfCapture, i);
        }

        connection.Run("COMMIT");
        var elapsed = time.GetElapsedTime(started);
        workspace.Remove("copy.db");
        return elapsed.TotalSeconds;
    }
}
