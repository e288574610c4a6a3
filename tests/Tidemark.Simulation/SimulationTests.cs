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
    private const int CountByDefault = 100;
    private const int Steps = 200;

    [Fact]
    public void Every_shipped_state_restores_exactly_whatever_happens()
    {
        var count = Number("TIDEMARK_SIMULATION_COUNT") ?? CountByDefault;
        var first = Number("TIDEMARK_SIMULATION_FIRST") ?? 1;
        if (Number("TIDEMARK_SIMULATION_SEED") is { } only)
        {
            (first, count) = (only, 1);
        }

        var failures = new ConcurrentBag<(int Seed, string Text)>();
        using var worlds = new BlockingCollection<(int Captures, int Faults, int Compactions, int Deletions, int Restores)>();
        Parallel.For(first, first + count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
        {
            using var world = new World(seed);
            try
            {
                world.Run(Steps);
                worlds.Add((world.Captures, world.Faults, world.Compactions, world.Deletions, world.Restores));
            }
            catch (Exception e)
            {
                failures.Add(
                    (seed, $"Seed {seed} failed; repeat it with TIDEMARK_SIMULATION_SEED={seed}. {e}\n{world.Trace}"));
            }
        });
        if (!failures.IsEmpty)
        {
            var ordered = failures.OrderBy(failure => failure.Seed).ToArray();
            throw new SimulationException(string.Join(
                "\n\n", ordered.Select((failure, i) => i == 0 ? failure.Text : failure.Text.Split('\n')[0])));
        }

        var text = $"{count} seeds from {first}: {worlds.Sum(world => world.Captures)} captures, {worlds.Sum(world => world.Faults)} faults, "
            + $"{worlds.Sum(world => world.Compactions)} compactions, {worlds.Sum(world => world.Deletions)} deletions, "
            + $"{worlds.Sum(world => world.Restores)} restores";
        TestContext.Current.TestOutputHelper?.WriteLine(text);
        Assert.True(worlds.Sum(world => world.Captures) > count, text);
        Assert.True(worlds.Sum(world => world.Restores) > count, text);
        if (count > 10)
        {
            Assert.True(worlds.Sum(world => world.Compactions) > count, text);
            Assert.True(worlds.Sum(world => world.Deletions) > count, text);
        }
    }

    private static int? Number(string variable)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
