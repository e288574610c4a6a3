using System.Globalization;

namespace Tidemark.Formats.Tests.Fuzzing;

/// <summary>Runs an attempt again and again, each with random numbers of its own.</summary>
/// <remarks>
/// A number of attempts by default; for as long as the environment variable TIDEMARK_FUZZ_SECONDS says when it is set. The message of a
/// failure names the seed; with TIDEMARK_FUZZ_SEED set to it, only that attempt runs.
/// </remarks>
internal static class Fuzz
{
    public static void Run(int attempts, Action<Random> attempt)
    {
        if (Number("TIDEMARK_FUZZ_SEED") is { } only)
        {
            Try(only, attempt);
            return;
        }

        var seed = Random.Shared.Next(1 << 30);
        var start = TimeProvider.System.GetTimestamp();
        var seconds = Number("TIDEMARK_FUZZ_SECONDS");
        for (var i = 0; seconds is null ? i < attempts : TimeProvider.System.GetElapsedTime(start).TotalSeconds < seconds; i++)
        {
            Try(unchecked(seed + i), attempt);
        }
    }

    private static void Try(int seed, Action<Random> attempt)
    {
        try
        {
            attempt(new Random(seed));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Failed with TIDEMARK_FUZZ_SEED={seed}: {e.Message}", e);
        }
    }

    private static int? Number(string variable)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
