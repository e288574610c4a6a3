using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>What one process takes that replicates thousands of small databases, nearly all of which rest: memory, handles, and processor
/// time when all rest.</summary>
internal sealed class ManyMeasure : IMeasure
{
    private const int ActiveOneIn = 50;
    private const double HandlesMax = 3;
    private const double ProcessorPercentMax = 1;

    // What a process may have open has to suffice: three handles for each database, and some for the work itself.
    private const int HandlesOfDatabase = 3;
    private const int HandlesOfWork = 500;

    private static readonly (int Count, double GoalMegabytes, string Original)[] s_sizes =
        [(1_000, 120, "404 MB"), (5_000, 350, "1,848 MB")];

    private static readonly TimeSpan s_activity = TimeSpan.FromSeconds(90);

    // Handles are counted when each database had its first checkpoint, for which a second connection is opened and closed.
    private static readonly TimeSpan s_untilCheckpoints = TimeSpan.FromSeconds(65);

    private static readonly TimeSpan s_commitInterval = TimeSpan.FromSeconds(3);

    // A WAL that is still short is copied into its database after a minute; compaction is through by then.
    private static readonly TimeSpan s_untilRest = TimeSpan.FromSeconds(80);

    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(60);

    public string Name => "many";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
        => Task.FromResult<IReadOnlyList<Figure>>(
            [.. s_sizes.SelectMany(size => Measure(workspace, size.Count, size.GoalMegabytes, size.Original))]);

    private static List<Figure> Measure(Workspace workspace, int wanted, double goalMegabytes, string original)
    {
        var count = Math.Min(wanted, (Machine.OpenFilesMax - HandlesOfWork) / HandlesOfDatabase);
        var what = FormattableString.Invariant($"{count:#,0} databases");
        var figures = Measure(workspace, count, what, goalMegabytes * count / wanted);
        figures.Add(new Figure(FormattableString.Invariant($"the original, {wanted:#,0} databases, as its users measured it"), original));
        return figures;
    }

    private static List<Figure> Measure(Workspace workspace, int count, string what, double goalMegabytes)
    {
        DatabaseFolder.Create(workspace["many"], count);
        var paths = DatabaseFolder.Paths(workspace["many"]);
        var active = paths.Where((_, number) => number % ActiveOneIn == 0).ToArray();
        var figures = new List<Figure>();
        Machine.Settle();
        using (var replicator = RoleProcess.Start(Role.ReplicateAll, workspace["many"], workspace["replicas"]))
        {
            replicator.WaitUntilSettled();
            var afterImages = replicator.ResidentBytes;
            var handles = WriteAndCountHandles(replicator, active);
            replicator.WaitUntilSettled();
            figures.Add(Figure.AtMost($"resident memory, {what}, 2 % active", replicator.ResidentBytes / 1e6, goalMegabytes, "MB"));
            figures.Add(Figure.Plain($"resident memory, {what}, after their first images", afterImages / 1e6, "MB"));

            var resting = new Sample(paths.Except(active).Select(handles.Mean));
            var working = new Sample(active.Select(handles.Mean));
            figures.Add(Figure.Plain($"handles of a database at rest, {what}", resting, "handles"));
            figures.Add(Figure.Plain($"handles of an active database, {what}", working, "handles"));
            figures.Add(Figure.AtMost($"handles of an active database, median, {what}", working.Median, HandlesMax, "handles"));

            Pause.For(s_untilRest);
            var before = replicator.ProcessorTime;
            Pause.For(s_rest);
            var percent = (replicator.ProcessorTime - before) / s_rest * 100;
            figures.Add(Figure.Below($"processor time, {what} at rest", percent, ProcessorPercentMax, "% of a core"));
            figures.Add(Figure.Plain($"resident memory, {what} at rest", replicator.ResidentBytes / 1e6, "MB"));
            figures.Add(Figure.Plain($"peak memory, {what}", replicator.PeakBytes / 1e6, "MB"));
            replicator.End();
        }

        workspace.Remove("many", "replicas");
        return figures;
    }

    /// <summary>Commits one small row to each of some databases, again and again, and counts handles meanwhile.</summary>
    private static HandleCounts WriteAndCountHandles(RoleProcess replicator, string[] active)
    {
        var time = TimeProvider.System;
        var connections = active.Select(Connection.OpenWal).ToArray();
        var counts = new HandleCounts();
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < s_activity)
        {
            foreach (var connection in connections)
            {
                connection.Run("INSERT INTO log(line) VALUES(hex(randomblob(50)))");
                Pause.For(s_commitInterval / connections.Length);
            }

            if (time.GetElapsedTime(started) >= s_untilCheckpoints)
            {
                counts.Add(replicator.Handles);
            }
        }

        foreach (var connection in connections)
        {
            connection.Dispose();
        }

        return counts;
    }
}
