using System.Runtime.InteropServices;
using System.Text;
using Tidemark.Cli.Output;

namespace Tidemark.Cli.Processes;

/// <summary>Ends this process although something in it does not: a call into a file system or a store that never comes back.</summary>
internal static partial class ForcedEnd
{
    /// <summary>How long an end that was cut short may take.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private const string Farewell
        = "Error: ended without waiting any longer for what does not answer (a disk, a store, a program). What was captured is kept\n";

    private static int s_hasBegun;

    /// <summary>Ends the process when it has not ended by itself after <see cref="Grace"/>. Safe for databases and replicas, as every crash
    /// is.</summary>
    public static void Begin()
    {
        if (Interlocked.Exchange(ref s_hasBegun, 1) == 0)
        {
            // Threads of their own: the pool may be full of what hangs.
            new Thread(EndAfterGrace) { IsBackground = true, Name = "Forced end" }.Start();
        }
    }

    private static void EndAfterGrace()
    {
        using var never = new ManualResetEventSlim();
        never.Wait(Grace);
        if (OperatingSystem.IsWindows())
        {
            Environment.Exit(ExitCode.Failed);
        }

        // Standard error may be what hangs.
        var telling = new Thread(static () =>
        {
            using var error = new StandardStream(Console.OpenStandardError(), isForResults: false);
            error.Write(Encoding.UTF8.GetBytes(Farewell));
        }) { IsBackground = true };
        telling.Start();
        telling.Join(TimeSpan.FromSeconds(1));
        EndProcess(ExitCode.Failed); // Nothing that waits for the end of other threads, as Environment.Exit may.
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void EndProcess(int code);
}
