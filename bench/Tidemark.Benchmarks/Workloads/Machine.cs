using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>Brings the machine into the same state before each timed run.</summary>
internal static class Machine
{
    private const int WarmBytes = 1 << 30;
    private const int PageBytes = 4096;

    /// <summary>How many handles a process may have: the hard limit, to which the runtime raises its own.</summary>
    public static int OpenFilesMax
    {
        get
        {
            const string Label = "Max open files";
            var limits = File.ReadLines("/proc/self/limits").First(line => line.StartsWith(Label, StringComparison.Ordinal));
            var hard = limits[Label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
            return int.TryParse(hard, CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue; // Or "unlimited".
        }
    }

    /// <summary>Writes out what earlier work left in the cache, so that it is not counted with what comes next, and takes memory back from
    /// the host.</summary>
    public static void Settle()
    {
        Run("sync");

        // A virtual machine may give free memory back to its host. What runs first then pays for each page that it touches, about as much
        // as for the work itself;
        // and that would be whoever writes more than the run before.
        var memory = Marshal.AllocHGlobal(WarmBytes);
        for (var offset = 0; offset < WarmBytes; offset += PageBytes)
        {
            Marshal.WriteByte(memory, offset, 1);
        }

        Marshal.FreeHGlobal(memory);
    }

    /// <summary>Runs a line of shell script, with arguments from <c>$1</c> on, to its end.</summary>
    public static void Run(string script, params ReadOnlySpan<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script, "sh", .. arguments]))!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{script}' has failed with exit code {process.ExitCode}.");
        }
    }
}
