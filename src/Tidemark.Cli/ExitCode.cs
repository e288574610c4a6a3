namespace Tidemark.Cli;

/// <summary>What the program tells its caller.</summary>
internal static class ExitCode
{
    /// <summary>Everything was done.</summary>
    public const int Done = 0;

    /// <summary>Something failed, or the command line was wrong.</summary>
    public const int Failed = 1;

    /// <summary>Nothing wrong was found, but not all that was asked for could be checked.</summary>
    public const int NotAllChecked = 2;

    /// <summary>A signal ended the work before it was done, as shells count it.</summary>
    public static int OfSignal(int number) => 128 + number;
}
