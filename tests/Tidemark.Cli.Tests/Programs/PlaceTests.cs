using System.Diagnostics;
using Tidemark.Cli.Demo;
using Tidemark.Testing;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>Where people say that a replica lies, and what lies there.</summary>
public sealed class PlaceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    private string Backup => _folder["my backup/app"];

    private string Copy => _folder["copy.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_plain_folder_is_a_replica_for_every_command()
    {
        await ReplicateAsync(Backup);
        foreach (var command in (string[])["ltx", "verify", "restore"])
        {
            string[] output = command == "restore" ? ["-o", Copy] : [];
            var result = await RunningProgram.RunAsync([command, .. output, Backup]);
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
        }

        Assert.True(File.Exists(Copy));
    }

    [Theory]
    [InlineData("file://{0}/my backup/app")]
    [InlineData("file://{0}/my%20backup/app/")]
    [InlineData("file:{0}/my backup/app")]
    [InlineData("file://localhost{0}/my%20backup/app")]
    [InlineData("{0}/x/../my backup/app")]
    public async Task Every_spelling_of_a_folder_leads_to_the_same_replica(string spelling)
    {
        await ReplicateAsync(Backup);
        var result = await RunningProgram.RunAsync("ltx", spelling.Replace("{0}", _folder.Path, StringComparison.Ordinal));
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("0000000000000001", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_under_the_name_that_litestream_gives_it_is_continued_with_a_warning()
    {
        await ReplicateAsync(_folder["my%20backup/app"]);
        Execute("INSERT INTO t VALUES(2)");
        var result = await RunningProgram.RunAsync("replicate", "-once", Database, $"file://{_folder["my%20backup/app"]}");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains($"means the folder {Backup}, which holds no replica", result.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["my backup"]));
        Assert.Equal(2, Directory.GetFiles(_folder["my%20backup/app/ltx/0"]).Length);
    }

    [Fact]
    public async Task A_missing_folder_is_told_as_such_by_every_command()
    {
        foreach (var command in (string[][])[["ltx"], ["verify"], ["restore", "-o", Copy], ["restore", "-f", "-o", Copy]])
        {
            var result = await RunningProgram.RunAsync([.. command, $"file://{Backup}"]);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains($"There is no folder {Backup}.", result.Output + result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_else_lies_in_a_folder_is_told_with_the_replica_in_it()
    {
        await ReplicateAsync(Backup);
        foreach (var command in (string[][])[["ltx"], ["verify"], ["restore", "-o", Copy]])
        {
            var result = await RunningProgram.RunAsync([.. command, _folder["my backup"]]);
            Assert.Equal(1, result.ExitCode);
            var text = result.Output + result.Error;
            Assert.Contains($"{_folder["my backup"]} holds no replica, but something else: app/", text, StringComparison.Ordinal);
            Assert.Contains($"There are replicas in it: {Backup}", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restore_that_may_find_nothing_warns_where_the_place_itself_is_missing(bool isThere)
    {
        if (isThere)
        {
            Directory.CreateDirectory(Backup);
        }

        var result = await RunningProgram.RunAsync("restore", "-if-replica-exists", "-o", Copy, Backup);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("There is no backup of", result.Output, StringComparison.Ordinal);
        Assert.Equal(!isThere, result.Output.Contains($"is missing: There is no folder {Backup}.", StringComparison.Ordinal));
        Assert.Equal(!isThere, result.Output.Contains("level=WARN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Replication_that_would_first_restore_warns_where_the_place_itself_is_missing()
    {
        var result = await RunningProgram.RunAsync("replicate", "-once", "-restore-if-db-not-exists", Database, Backup);
        Assert.Equal(1, result.ExitCode); // There is no database either.
        Assert.Contains($"is missing: There is no folder {Backup}.", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_of_the_configuration_is_a_database_and_a_file_beside_it_an_error()
    {
        await ReplicateAsync(Backup);
        var config = await ConfigAsync($"dbs: [{{path: '{Database}', replica: {{url: '{Backup}'}}}}]\n");
        var variables = new Dictionary<string, string> { ["TIDEMARK_CONFIG"] = config };
        Assert.Equal(0, (await RunningProgram.RunAsync(variables, ["restore", "-o", Copy, Database])).ExitCode);

        var other = await RunningProgram.RunAsync(variables, ["ltx", config]);
        Assert.Equal((1, $"Error: database not found in config: {config}"), (other.ExitCode, other.FirstErrorLine));
        var gone = await RunningProgram.RunAsync(variables, ["restore", _folder["gone.db"]]);
        Assert.Equal((1, $"Error: database not found in config: {_folder["gone.db"]}"), (gone.ExitCode, gone.FirstErrorLine));
    }

    [Theory]
    [InlineData("link/app", "my backup/app")]
    [InlineData("my backup/app/", "my backup/app")]
    [InlineData("my backup/app/ltx/x", "my backup/app")]
    public async Task Two_destinations_that_are_one_are_refused_at_the_start(string first, string second)
    {
        Directory.CreateDirectory(_folder["my backup"]);
        File.CreateSymbolicLink(_folder["link"], "my backup");
        MakeDatabase();
        foreach (var once in (string[][])[["-once"], []])
        {
            var result = await RunningProgram.RunAsync(["replicate", .. once, Database, _folder[first], $"file://{_folder[second]}"]);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("my backup/app", result.FirstErrorLine, StringComparison.Ordinal);
            Assert.Contains("\nHint: Give each destination a place of its own.", result.Error, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Backup));
    }

    [Fact]
    public async Task One_database_under_two_names_and_two_databases_in_one_place_are_refused()
    {
        MakeDatabase();
        File.CreateSymbolicLink(_folder["link.db"], "app.db");
        File.CreateSymbolicLink(_folder["link"], "my backup");
        Directory.CreateDirectory(_folder["my backup"]);
        var config = await ConfigAsync(
            "dbs:\n"
            + $"- {{path: '{Database}', replica: {{path: '{Backup}'}}}}\n"
            + $"- {{path: '{_folder["link.db"]}', replica: {{path: '{_folder["b"]}'}}}}\n"
            + $"- {{path: '{_folder["other.db"]}', replica: {{path: '{_folder["link/app"]}'}}}}\n");
        var result = await RunningProgram.RunAsync("replicate", "-once", "-config", config);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(
            $"Error: {config}:3: dbs[1].path: {_folder["link.db"]} is listed twice: {Database} leads to the same place\n"
            + $"{config}:4: dbs[2].replica.path: {_folder["link/app"]} is a destination twice: {Backup} leads to the same place\n",
            result.Error);
    }

    [Fact]
    public async Task A_configuration_is_read_from_a_pipe()
    {
        MakeDatabase();
        await UnixTools.MakePipeAsync(_folder["pipe"]);
        await using var program = RunningProgram.Start("replicate", "-once", "-config", _folder["pipe"]);
        // Longer than what a pipe holds, so that it takes several reads.
        var text = $"# {new string('x', 100_000)}\r\ndbs:\r\n  - path: {Database}\r\n    replica:\r\n      path: {Backup}\r\n";
        await File.WriteAllTextAsync(_folder["pipe"], text, TestContext.Current.CancellationToken);
        var result = await program.WaitAsync();
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.True(Directory.Exists(Backup));
    }

    [Fact]
    public async Task A_configuration_is_read_from_standard_input()
    {
        MakeDatabase();
        var config = await ConfigAsync($"\uFEFFdbs: [{{path: '{Database}', replica: {{path: '{Backup}'}}}}]\n");
        var program = Environment.GetEnvironmentVariable("TIDEMARK_PROGRAM");
        program = string.IsNullOrEmpty(program) ? Path.Combine(AppContext.BaseDirectory, "tidemark") : program;
        using var shell = Process.Start(
            "sh", ["-c", $"cat '{config}' | '{program}' replicate -once -config /dev/stdin > '{_folder["log"]}' 2>&1"]);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, true), (shell.ExitCode, Directory.Exists(Backup)));
    }

    private async Task<string> ConfigAsync(string text)
    {
        await File.WriteAllTextAsync(_folder["c.yml"], text, TestContext.Current.CancellationToken);
        return _folder["c.yml"];
    }

    private void MakeDatabase() => Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");

    private void Execute(string sql)
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute(sql);
    }

    private async Task ReplicateAsync(string replica)
    {
        MakeDatabase();
        var result = await RunningProgram.RunAsync("replicate", "-once", Database, replica);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }
}
