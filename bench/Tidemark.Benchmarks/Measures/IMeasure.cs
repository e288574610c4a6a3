using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>One measurement, by the name that selects it on the command line.</summary>
internal interface IMeasure
{
    string Name { get; }

    /// <summary>Measures. Removes its files from the workspace.</summary>
    Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace);
}
