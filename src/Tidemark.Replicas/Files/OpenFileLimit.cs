namespace Tidemark.Replicas.Files;

/// <summary>What it looks like when a process has as many files open as it may, and what helps.</summary>
public static class OpenFileLimit
{
    // The same on Linux, macOS and the BSDs.
    private const int OfSystem = 23; // ENFILE
    private const int OfProcess = 24; // EMFILE

    /// <summary>How a person mends it: one imperative sentence.</summary>
    public static string Hint
        => "Raise the limit of open files, with ulimit -n in a shell or LimitNOFILE= in a systemd unit: each database needs up to four.";

    /// <summary>Whether a number of the operating system (errno) tells of it. False on Windows, which has no such limit.</summary>
    public static bool IsReached(int errorNumber) => !OperatingSystem.IsWindows() && errorNumber is (OfSystem or OfProcess);

    /// <summary>Whether an exception of .NET tells of it.</summary>
    public static bool IsReached(Exception failure) => failure is IOException && IsReached(failure.HResult);
}
