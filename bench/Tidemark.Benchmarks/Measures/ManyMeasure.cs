using System.Globalization;
using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>What one process takes to keep thousands of small databases captured and at rest.</summary>
internal sealed class ManyMeasure : IMeasure
{
    private const int Count = 2000;
    private const double GoalKilobytes = 60;

    public string Name => "many";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        var alone = Peak(workspace, "one", 1);
        var all = Peak(workspace, "many", Count);
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Below(
                string.Create(CultureInfo.InvariantCulture, $"peak memory for each of {Count} databases at rest, beside the first"),
                (all - alone) / 1e3 / (Count - 1),
                GoalKilobytes,
                "KB"),
        ]);
    }

    private static long Peak(Workspace workspace, string folder, int count)
    {
        Directory.CreateDirectory(workspace[folder]);
        for (var i = 0; i < count; i++)
        {
            using var application = Connection.OpenWal(Path.Combine(workspace[folder], string.Create(null, $"{i}.db")));
            application.Run("CREATE TABLE t(id INTEGER PRIMARY KEY, data TEXT)");
            application.Run("INSERT INTO t(data) VALUES('a small database')");
        }

        var peak = RoleProcess.Run(Role.Many, workspace[folder]);
        workspace.Remove(folder);
        return peak;
    }
}
