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

    private const int BrokenPipe = 13;

    private static PosixSignalRegistration? s_brokenPipe;

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

    /// <summary>Lets children have the default for a pipe that nobody reads, as programs of a shell do. The runtime ignores that signal,
    /// which a child would inherit; what is handled instead is not inherited. For this process it is the same.</summary>
    public static void HandleBrokenPipe()
    {
        if (!OperatingSystem.IsWindows() && s_brokenPipe is null)
        {
            _ = SetDisposition(BrokenPipe, 0); // The runtime leaves alone what is ignored.
            s_brokenPipe = PosixSignalRegistration.Create((PosixSignal)BrokenPipe, static context => context.Cancel = true);
        }
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetDisposition(int signal, nint disposition);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int number);
}
