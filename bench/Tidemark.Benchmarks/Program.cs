using Tidemark.Benchmarks.Measures;
using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks;

/// <summary>Measures what Tidemark costs and prints a table. See <c>bench/README.md</c>.</summary>
internal static class Program
{
    private static readonly IMeasure[] s_measures =
    [
        new CaptureMeasure(),
        new FirstImageMeasure(),
        new RestoreMeasure(),
        new CompactionMeasure(),
        new FollowMeasure(),
        new CommitToFileMeasure(),
        new CommitToReaderMeasure(),
        new WriterStallMeasure(),
        new SnapshotStallMeasure(),
        new MemoryMeasure(),
        new ManyMeasure(),
        new StartMeasure(),
        new IdleMeasure(),
    ];

    private static async Task<int> Main(string[] arguments)
    {
        if (!OperatingSystem.IsLinux())
        {
            await Console.Error.WriteLineAsync("The benchmarks need Linux: they compare with its programs and read its counters.");
            return 1;
        }

        if (arguments is [Role.Option, var role, .. var paths])
        {
            await Role.RunAsync(role, paths);
            return 0;
        }

        if (arguments.Except(s_measures.Select(measure => measure.Name)).FirstOrDefault() is { } unknown)
        {
            var names = string.Join(", ", s_measures.Select(measure => measure.Name));
            await Console.Error.WriteLineAsync($"There is no measure '{unknown}'. There are: {names}.");
            return 2;
        }

        using var workspace = new Workspace();
        var figures = new List<Figure>();
        foreach (var measure in s_measures.Where(measure => arguments.Length == 0 || arguments.Contains(measure.Name)))
        {
            await Console.Error.WriteLineAsync($"{measure.Name} ...");
            figures.AddRange(await measure.RunAsync(workspace));
        }

        FigureTable.Write(Console.Out, figures);
        return figures.Any(figure => figure.IsMet == false) ? 3 : 0;
    }
}
