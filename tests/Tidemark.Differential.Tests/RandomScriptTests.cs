using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>
/// Random scripts: the same hundred unless something is set. <c>TIDEMARK_DIFFERENTIAL_SECONDS</c> plays others for as long (150),
/// <c>TIDEMARK_DIFFERENTIAL_COUNT</c> runs as many instead, <c>TIDEMARK_DIFFERENTIAL_FIRST</c> says with which seed to begin,
/// <c>TIDEMARK_DIFFERENTIAL_SEED</c> repeats one, and <c>TIDEMARK_DIFFERENTIAL_PARALLEL</c> says how many are played at once.
/// </summary>
/// <remarks>A seed repeats a script and not what the processes do meanwhile: that depends on the machine.</remarks>
public sealed class RandomScriptTests(PreparedDatabases databases, ITestOutputHelper output)
{
    private const int SecondsByDefault = 150;

    // A script mostly waits.
    private const int ParallelPerCore = 6;

    // What a change has to pass is the same each time. Other scripts are played on demand.
    private const int FirstByDefault = 53423;
    private const int CountByDefault = 100;

    // How often a script is played until its failure counts.
    private const int PlaysMax = 3;

    [Fact]
    public async Task Whatever_people_do_to_the_files_the_source_is_as_whole_as_without_Tidemark_and_the_replica_is_the_source()
    {
        var only = Settings.Number("SEED");
        var isFree = Settings.Number("FIRST") is not null || Settings.Number("COUNT") is not null || Settings.Number("SECONDS") is not null;
        var first = only ?? Settings.Number("FIRST") ?? (isFree ? Random.Shared.Next(1_000_000) : FirstByDefault);
        var count = only is not null ? 1 : isFree ? Settings.Number("COUNT") : CountByDefault;
        var seconds = Settings.Number("SECONDS") ?? SecondsByDefault;
        var begun = TimeProvider.System.GetTimestamp();
        bool HasTime() => count is not null || TimeProvider.System.GetElapsedTime(begun).TotalSeconds < seconds;
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Settings.Number("PARALLEL") ?? (ParallelPerCore * Environment.ProcessorCount),
            CancellationToken = TestContext.Current.CancellationToken,
        };

        var verdicts = new ConcurrentDictionary<int, Verdict>();
        await Parallel.ForEachAsync(Seeds(first, count, HasTime), options, async (seed, cancelled) =>
        {
            var folder = Path.Combine(Settings.Folder, string.Create(CultureInfo.InvariantCulture, $"seed-{seed}"));
            verdicts[seed] = await new Performance(RandomScript.Write(seed), folder, databases).RunAsync(cancelled);
        });

        await PlayAgainAsync(verdicts, only is null ? PlaysMax : 1);
        var failures = verdicts.Where(entry => entry.Value.Failure is not null).OrderBy(entry => entry.Key).ToArray();
        var summary = $"{verdicts.Count} scripts from seed {first}: {verdicts.Values.Count(verdict => verdict.IsSafe)} safe without "
            + $"Tidemark, {verdicts.Values.Count(verdict => verdict.Excuse is not null)} ended with an error that says so, {failures.Length} failed";
        output.WriteLine(summary);
        foreach (var excuse in verdicts.Values.Select(verdict => verdict.Excuse).OfType<string>().Take(20))
        {
            output.WriteLine(excuse);
        }

        Assert.True(
            failures.Length == 0,
            $"{summary}. Their scripts and logs are in {Settings.Folder}; TIDEMARK_DIFFERENTIAL_SEED repeats one.\n"
                + string.Join('\n', failures.Select(entry => $"{entry.Key}: {entry.Value.Failure}")));
        Assert.True(verdicts.Values.Any(verdict => verdict.IsSafe) || only is not null, summary);
    }

    // What people do in the very milliseconds in which Tidemark leaves can still go wrong (docs/design/replication.md, "What remains"), and so
    // can a script on a machine that starves it. What does not happen again is told, and is no failure.
    private async Task PlayAgainAsync(ConcurrentDictionary<int, Verdict> verdicts, int playsMax)
    {
        foreach (var (seed, verdict) in verdicts.Where(entry => entry.Value.Failure is not null).ToArray())
        {
            for (var play = 1; play < playsMax && verdicts[seed].Failure is not null; play++)
            {
                output.WriteLine($"{seed}, play {play}: {verdict.Failure}");
                var folder = Path.Combine(Settings.Folder, string.Create(CultureInfo.InvariantCulture, $"seed-{seed}-play-{play + 1}"));
                verdicts[seed] = await new Performance(RandomScript.Write(seed), folder, databases).RunAsync(TestContext.Current.CancellationToken);
            }
        }
    }

    private static IEnumerable<int> Seeds(int first, int? count, Func<bool> hasTime)
    {
        for (var number = 0; (count is null || number < count) && (number == 0 || hasTime()); number++)
        {
            yield return first + number;
        }
    }
}
