namespace Tidemark.Cli.Tests.Programs;

/// <summary>What a run of the program gave.</summary>
public sealed record ProgramResult(int ExitCode, string Output, string Error)
{
    /// <summary>The first line of standard error.</summary>
    public string FirstErrorLine => Error.Split('\n')[0];
}
