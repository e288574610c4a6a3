using System.Runtime.InteropServices;

namespace Tidemark.Cli.Processes;

/// <summary>Signals and their numbers on this system.</summary>
internal static partial class Signals
{
    /// <summary>Ask for an orderly end.</summary>
    public static IReadOnlyList<PosixSignal> Stopping { get; } = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];

    /// <summary>Everything that makes sense for a program that another one runs.</summary>
    public static IReadOnlyList<PosixSignal> Forwarded { get; } = OperatingSystem.IsWindows()
        ? Stopping
        : [.. Stopping, PosixSignal.SIGQUIT, User1, User2];

    private static PosixSignal User1 => (PosixSignal)(OperatingSystem.IsLinux() ? 10 : 30);

    private static PosixSignal User2 => (PosixSignal)(OperatingSystem.IsLinux() ? 12 : 31);

    /// <summary>The number that the system knows a signal by.</summary>
    public static int NumberOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGHUP => 1,
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGQUIT => 3,
        PosixSignal.SIGTERM => 15,
        _ => (int)signal,
    };

    /// <summary>Sends a signal to a process. That the process is gone is not an error.</summary>
    public static void Send(int processId, int number)
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = Kill(processId, number);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int number);
}
