using System.Diagnostics;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>The other side of the comparison: the system's own programs.</summary>
internal static class SystemCopy
{
    /// <summary>Copies a file with <c>cp</c> and makes the copy durable.</summary>
    /// <returns>Seconds.</returns>
    public static double Time(string source, string destination)
    {
        Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        Run("cp \"$1\" \"$2\" && sync \"$2\"", source, destination);
        return time.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Writes out what earlier work left in the cache, so that it is not counted with what comes next.</summary>
    public static void Settle() => Run("sync");

    private static void Run(string script, params ReadOnlySpan<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script, "sh", .. arguments]))!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{script}' has failed with exit code {process.ExitCode}.");
        }
    }
}
