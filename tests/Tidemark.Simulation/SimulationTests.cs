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

        var (captures, faults) = (0, 0);
        for (var seed = first; seed < first + count; seed++)
        {
            var world = new World(seed);
            try
            {
                world.Run(Steps);
                captures += world.Captures;
                faults += world.Faults;
            }
            catch (Exception e)
            {
                throw new SimulationException($"Seed {seed} failed; repeat it with TIDEMARK_SIMULATION_SEED={seed}.\n{e}\n{world.Trace}");
            }
            finally
            {
                world.Dispose();
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{count} seeds from {first}: {captures} captures, {faults} faults");
        Assert.True(captures > count, "The seeds captured something.");
    }

    private static int? Number(string variable)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
