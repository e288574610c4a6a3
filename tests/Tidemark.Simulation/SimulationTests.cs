using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace Tidemark.Simulation;

/// <summary>
/// Runs seeds. <c>TIDEMARK_SIMULATION_SEED</c> repeats one, <c>TIDEMARK_SIMULATION_COUNT</c> runs as many, <c>TIDEMARK_SIMULATION_FIRST</c>
/// begins elsewhere.
/// </summary>
public sealed class SimulationTests
{
    private const int CountByDefault = 150;
    private const int Steps = 120;

    [Fact]
    public void Every_shipped_state_restores_exactly_whatever_happens()
    {
        var count = Number("TIDEMARK_SIMULATION_COUNT") ?? CountByDefault;
        var first = Number("TIDEMARK_SIMULATION_FIRST") ?? 1;
        if (Number("TIDEMARK_SIMULATION_SEED") is { } only)
        {
            (first, count) = (only, 1);
        }

        var total = new ConcurrentBag<World>();
        Parallel.For(first, first + count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
        {
            using var world = new World(seed);
            try
            {
                world.Run(Steps);
                total.Add(world);
            }
            catch (Exception e)
            {
                throw new SimulationException($"Seed {seed} failed; repeat it with TIDEMARK_SIMULATION_SEED={seed}.\n{e}\n{world.Trace}");
            }
        });
    }

    private static int? Number(string variable)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
