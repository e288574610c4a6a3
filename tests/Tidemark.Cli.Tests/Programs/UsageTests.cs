namespace Tidemark.Cli.Tests.Programs;

public sealed class UsageTests
{
    [Fact]
    public async Task The_program_without_arguments_prints_its_help_and_fails()
    {
        var result = await RunningProgram.RunAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Usage: tidemark COMMAND", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("demo-writer", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Theory]
    [InlineData("help")]
    [InlineData("-h")]
    [InlineData("-help")]
    [InlineData("--help")]
    public async Task Help_that_was_asked_for_succeeds(string argument)
    {
        var result = await RunningProgram.RunAsync(argument);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Usage: tidemark COMMAND", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Theory]
    [InlineData("replicate", "-exec CMD")]
    [InlineData("restore", "-integrity-check KIND")]
    [InlineData("ltx", "-level LEVEL")]
    [InlineData("version", "-verbose")]
    [InlineData("demo", "-duration TIME")]
    public async Task Every_command_has_its_help(string command, string flag)
    {
        var result = await RunningProgram.RunAsync(command, "--help");

        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith($"Usage: tidemark {command} ", result.Output, StringComparison.Ordinal);
        Assert.Contains($"  {flag} ", result.Output, StringComparison.Ordinal);
        Assert.Equal(result.Output, (await RunningProgram.RunAsync("help", command)).Output);
    }

    [Theory]
    [InlineData("nope", "Error: tidemark nope: unknown command", "Try: tidemark help")]
    [InlineData("help nope", "Error: tidemark nope: unknown command", "Try: tidemark help")]
    [InlineData("-bogus", "Error: tidemark -bogus: a command must come before flags", "Try: tidemark help")]
    [InlineData("restore -bogus x", "Error: flag provided but not defined: -bogus", "Try: tidemark restore -help")]
    [InlineData("restore", "Error: database path or replica URL required", "Try: tidemark restore -o /path/to/db file:///path/to/replica")]
    [InlineData("restore a b", "Error: too many arguments", "Try: tidemark restore -help")]
    [InlineData("restore file:///r", "Error: -o is required when restoring from a replica URL or folder",
        "Try: tidemark restore -o /path/to/db file:///r")]
    [InlineData("restor a", "Error: tidemark restor: unknown command; restore is one", "Try: tidemark help")]
    [InlineData("help repliacte", "Error: tidemark repliacte: unknown command; replicate is one", "Try: tidemark help")]
    [InlineData("restore -forse x", "Error: flag provided but not defined: -forse; -force is one", "Try: tidemark restore -help")]
    [InlineData("restore .", "Error: -o is required when restoring from a replica URL or folder", "Try: tidemark restore -o /path/to/db .")]
    [InlineData("replicate . app.db", "Error: . is a folder: the database comes first, then the replica",
        "Try: tidemark replicate app.db .")]
    [InlineData("restore -config c .", "Error: -o is required when restoring from a replica URL or folder",
        "Try: tidemark restore -o /path/to/db .")]
    [InlineData("restore -txid ff x",
        "Error: invalid value \"ff\" for flag -txid: must be 16 hexadecimal digits, for example 000000000000002a",
        "Try: tidemark restore -help")]
    [InlineData("ltx", "Error: database path or replica URL required", "Try: tidemark ltx /path/to/db")]
    [InlineData("ltx -level 10 x", "Error: invalid value \"10\" for flag -level: must be a level from 0 to 9, or all",
        "Try: tidemark ltx -help")]
    [InlineData("replicate db", "Error: must specify at least one replica URL or folder for db",
        "Try: tidemark replicate db /path/to/replica")]
    [InlineData("replicate file:///r db", "Error: the database comes first, then the replica", "Try: tidemark replicate db file:///r")]
    [InlineData("replicate file:///r", "Error: the database comes first, then the replica",
        "Try: tidemark replicate /path/to/db file:///r")]
    [InlineData("replicate -once -exec x db file:///r", "Error: cannot specify -once flag with -exec", "Try: tidemark replicate -help")]
    [InlineData("replicate -force-snapshot db file:///r", "Error: cannot specify -force-snapshot flag without -once",
        "Try: tidemark replicate -help")]
    [InlineData("replicate -enforce-retention db file:///r", "Error: cannot specify -enforce-retention flag without -once",
        "Try: tidemark replicate -help")]
    [InlineData("replicate -refill db file:///r", "Error: cannot specify -refill flag without -once", "Try: tidemark replicate -help")]
    [InlineData("replicate -take-over db file:///r", "Error: cannot specify -take-over flag without -once", "Try: tidemark replicate -help")]
    [InlineData("replicate -config c db file:///r", "Error: cannot specify a replica URL and the -config flag",
        "Try: tidemark replicate -help")]
    [InlineData("restore -exec x -o o file:///r", "Error: cannot use -exec without -f", "Try: tidemark restore -help")]
    [InlineData("restore -f -txid 0000000000000001 -o o file:///r", "Error: cannot use follow mode with -txid",
        "Try: tidemark restore -help")]
    [InlineData("restore -f -timestamp 2026-01-31 -o o file:///r", "Error: cannot use follow mode with -timestamp",
        "Try: tidemark restore -help")]
    [InlineData("restore -f -dry-run -o o file:///r", "Error: cannot use -dry-run with -f", "Try: tidemark restore -help")]
    [InlineData("restore -f -if-db-not-exists -o o file:///r",
        "Error: cannot use -if-db-not-exists with -f, which goes on with what is there", "Try: tidemark restore -help")]
    [InlineData("restore -f -json -o o file:///r", "Error: cannot use -json with -f, which has no end to sum up",
        "Try: tidemark restore -help")]
    [InlineData("restore -f -follow-interval 25h -o o file:///r",
        "Error: invalid value \"25h\" for flag -follow-interval: must be at most 24h", "Try: tidemark restore -help")]
    [InlineData("restore -follow-interval 1s -o o file:///r", "Error: cannot use -follow-interval without -f",
        "Try: tidemark restore -help")]
    [InlineData("version x", "Error: too many arguments", "Try: tidemark version -help")]
    [InlineData("demo now", "Error: too many arguments", "Try: tidemark demo -help")]
    public async Task A_wrong_command_line_fails_with_what_to_try(string line, string error, string example)
    {
        var result = await RunningProgram.RunAsync(line.Split(' '));

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"{error}\n{example}\n", result.Error);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData(" ", "replicate", "db", "file:///r")]
    [InlineData("", "restore", "-f", "-o", "db", "file:///r")]
    [InlineData(" ", "restore", "-f", "-o", "db", "file:///r")]
    public async Task A_blank_exec_command_is_a_usage_error(string exec, string command, params string[] rest)
    {
        var result = await RunningProgram.RunAsync([command, "-exec", exec, .. rest]);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"Error: cannot parse exec command: \"{exec}\" is blank", result.FirstErrorLine);
    }

    [Theory]
    [InlineData("restore", "-o", "o.db", "file:///")]
    [InlineData("ltx", "file://")]
    [InlineData("verify", "file://")]
    [InlineData("replicate", "-once", "app.db", "file:///")]
    public async Task A_url_that_names_no_folder_is_an_error_that_says_what_to_write(params string[] line)
    {
        var result = await RunningProgram.RunAsync(line);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"Error: \"{line[^1]}\" names no folder.", result.FirstErrorLine);
        Assert.Contains("\nHint: Write file:///PATH ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_help_of_restore_tells_of_LOG_LEVEL()
        => Assert.Contains("LOG_LEVEL", (await RunningProgram.RunAsync("help", "restore")).Output, StringComparison.Ordinal);

    [Fact]
    public async Task The_version_is_one_line()
    {
        var result = await RunningProgram.RunAsync("version");

        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", result.Output);
    }
}
