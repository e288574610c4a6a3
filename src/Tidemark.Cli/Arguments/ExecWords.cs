namespace Tidemark.Cli.Arguments;

/// <summary>The command of <c>-exec</c> as words.</summary>
internal static class ExecWords
{
    /// <summary>Splits the command.</summary>
    /// <param name="command">As it was given.</param>
    /// <param name="example">A right command line, for the error.</param>
    /// <exception cref="UsageException">It is blank, or not a command without a shell.</exception>
    public static IReadOnlyList<string> Parse(string command, string example)
    {
        try
        {
            return ShellWords.Split(command);
        }
        catch (FormatException e)
        {
            throw new UsageException($"cannot parse exec command: \"{command}\" {e.Message}", example, e);
        }
    }
}
