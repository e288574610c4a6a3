using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Roles;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>The most memory that each action takes, in a process of its own, for a small and for a large database.</summary>
internal sealed class MemoryMeasure : IMeasure
{
    private const double GoalMegabytes = 150;
    private const int WalBytes = 400_000_000;
    private const int BytesOfTransaction = 1_000_000;

    private static readonly (string Text, long Bytes)[] s_sizes = [("100 MB", 100_000_000), ("2 GB", 2_000_000_000)];

    public string Name => "memory";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        var figures = new List<Figure>();
        foreach (var (text, bytes) in s_sizes)
        {
            SampleDatabase.CreateMostlyEmpty(workspace["app.db"], bytes);
            Add(
                $"peak memory, first image of {text}",
                RoleProcess.Run(Role.Image, workspace["app.db"], workspace["spool"], workspace["replica"]));
            Add($"peak memory, restore of {text}", RoleProcess.Run(Role.Restore, workspace["replica"], workspace["restored.db"]));
            workspace.Remove("restored.db", "replica");
            using (var application = Connection.OpenWal(workspace["app.db"]))
            {
                for (var written = 0; written < WalBytes; written += BytesOfTransaction)
                {
                    SampleDatabase.Fill(application, BytesOfTransaction);
                }

                Add(
                    $"peak memory, capture of 400 MB of WAL of {text}",
                    RoleProcess.Run(Role.Capture, workspace["app.db"], workspace["spool"]));
            }

            workspace.Remove("app.db", "spool");
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);

        void Add(string name, RoleUsage usage) => figures.Add(Figure.Below(name, usage.PeakBytes / 1e6, GoalMegabytes, "MB"));
    }
}
