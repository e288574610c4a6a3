using System.Globalization;
using Xunit;

namespace Tidemark.Crash.Tests;

/// <summary>Real processes, killed with SIGKILL at random moments.</summary>
/// <remarks>
/// TIDEMARK_CRASH_SECONDS says for how long (60 unless set), TIDEMARK_CRASH_SEED with which seed to begin, and TIDEMARK_PROGRAM which
/// program replicates instead of
/// the engine in a process of the test's own. What processes do between two events depends on the machine, so a seed repeats the course
/// of a history and not its
/// timing.
/// </remarks>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int SecondsByDefault = 60;

    [Fact]
    public async Task Whatever_is_killed_nothing_is_lost_and_no_txid_is_skipped_or_rewritten()
    {
        var seed = Setting("TIDEMARK_CRASH_SEED") ?? Random.Shared.Next(1_000_000);
        var duration = TimeSpan.FromSeconds(Setting("TIDEMARK_CRASH_SECONDS") ?? SecondsByDefault);
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        bool HasTime() => time.GetElapsedTime(started) < duration;
        for (var number = 0; number == 0 || HasTime(); number++)
        {
            await using var history = new CrashHistory(seed + number, output);
            await history.RunAsync(HasTime, TestContext.Current.CancellationToken);
        }
    }

    private static int? Setting(string variable)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
