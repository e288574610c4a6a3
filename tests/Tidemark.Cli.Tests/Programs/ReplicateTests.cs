using Tidemark.Cli.Demo;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

public sealed class ReplicateTests : IDisposable
{
    private const int Sigint = 2;
    private const int Sigterm = 15;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    private string ReplicaUrl => $"file://{_folder["replica"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Once_captures_and_uploads_everything_and_adds_nothing_to_the_schema()
    {
        WriteRows(3);

        var result = await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.True(File.Exists(_folder["replica/ltx/0/0000000000000001-0000000000000001.ltx"]));
        await AssertRestoredEqualsSourceAsync();
        Assert.Equal(1, Query(Database, "SELECT count(*) FROM sqlite_schema"));
    }

    [Fact]
    public async Task Once_fails_when_the_database_does_not_exist()
    {
        var result = await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(Database, result.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("Hint: ", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Sigint)]
    [InlineData(Sigterm)]
    public async Task A_signal_ends_it_after_a_final_capture_and_upload_to_every_destination(int signal)
    {
        WriteRows(1);
        var second = $"file://{_folder["second"]}";
        await using var program = RunningProgram.Start("replicate", Database, ReplicaUrl, second);
        await program.WaitForLineAsync("Captured all");

        WriteRows(5);
        program.Signal(signal);
        var result = await program.WaitAsync();

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        await AssertRestoredEqualsSourceAsync();
        await AssertRestoredEqualsSourceAsync(second);
    }

    [Fact]
    public async Task A_second_signal_cuts_the_last_upload_short_and_the_exit_code_tells_it()
    {
        WriteRows(1);
        var (config, replica) = (_folder["tidemark.yml"], _folder["replica"]);
        await File.WriteAllTextAsync(
            config,
            $$"""
            shutdown-sync-timeout: 10h
            dbs:
              - path: {{Database}}
                replica: {path: {{replica}}}

            """,
            TestContext.Current.CancellationToken);
        await using var program = RunningProgram.Start("replicate", "-config", config, "-log-level", "debug");
        await program.WaitForLineAsync("Shipped ");
        Directory.Move(replica, replica + ".away"); // As a disk that is not mounted: the end waits for it.
        WriteRows(1);
        await program.WaitForLineAsync("Cannot ship");

        program.Signal(Sigterm);
        await program.WaitForLineAsync("Stopping");
        await program.SignalUntilEndAsync(Sigterm); // The first of these may still pass for an echo.

        Assert.Equal(1, (await program.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task The_exit_code_of_the_child_is_the_exit_code()
    {
        WriteRows(2);

        var result = await RunningProgram.RunAsync("replicate", "-exec", "sh -c 'echo from the child; exit 3'", Database, ReplicaUrl);

        Assert.Equal((3, ""), (result.ExitCode, result.Error));
        Assert.Contains("from the child\n", result.Output, StringComparison.Ordinal);
        await AssertRestoredEqualsSourceAsync();
    }

    [Fact]
    public async Task A_signal_goes_to_the_child_and_what_the_child_then_writes_is_replicated()
    {
        WriteRows(1);
        // The shell closes the input of the last writer only after the signal.
        var child = _folder["child.sh"];
        await File.WriteAllTextAsync(
            child, $"trap 'touch {_folder["stopped"]}; exit 7' TERM\necho waiting\nwhile :; do sleep 0.05; done\n",
                TestContext.Current.CancellationToken);
        await using var program = RunningProgram.Start("replicate", "-exec", $"sh {child}", Database, ReplicaUrl);
        await program.WaitForLineAsync("waiting");

        WriteRows(4);
        program.Signal(Sigterm);
        var result = await program.WaitAsync();

        Assert.Equal((7, ""), (result.ExitCode, result.Error));
        Assert.True(File.Exists(_folder["stopped"]));
        await AssertRestoredEqualsSourceAsync();
    }

    [Fact]
    public async Task A_child_that_a_signal_ends_gives_128_and_its_number()
    {
        WriteRows(1);
        await using var program = RunningProgram.Start("replicate", "-exec", "sleep 600", Database, ReplicaUrl);
        await program.WaitForLineAsync("Started sleep");

        program.Signal(Sigterm);

        Assert.Equal(128 + Sigterm, (await program.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task A_child_that_cannot_start_is_an_error_with_a_hint()
    {
        WriteRows(1);

        var result = await RunningProgram.RunAsync("replicate", "-exec", "/nowhere/program", Database, ReplicaUrl);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("Error: cannot start exec command /nowhere/program: No such file or directory", result.FirstErrorLine);
    }

    [Fact]
    public async Task A_folder_cannot_be_the_child()
    {
        var result = await RunningProgram.RunAsync("replicate", "-exec", _folder.Path, Database, $"file://{_folder["replica"]}");
        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"Error: cannot start exec command {_folder.Path}: it is a folder", result.FirstErrorLine);
    }

    [Fact]
    public async Task A_configuration_file_names_databases_and_destinations()
    {
        WriteRows(2);
        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $$"""
            logging: {type: json, level: warn}
            colour: blue
            dbs:
              - path: {{Database}}
                replica: {path: {{_folder["replica"]}}}
            """,
            TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("replicate", "-once", "-config", config);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains($"\"msg\":\"{config}:2: colour: unknown key: ignored\"", result.Output, StringComparison.Ordinal);
        await AssertRestoredEqualsSourceAsync();
    }

    [Fact]
    public async Task An_unknown_LOG_LEVEL_is_warned_of_unless_the_flag_goes_before_it()
    {
        WriteRows(1);
        var variables = new Dictionary<string, string> { ["LOG_LEVEL"] = "loud" };

        var result = await RunningProgram.RunAsync(variables, ["replicate", "-once", Database, ReplicaUrl]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("level=WARN msg=\"LOG_LEVEL is \\\"loud\\\", but must be ", result.Output, StringComparison.Ordinal);

        result = await RunningProgram.RunAsync(variables, ["replicate", "-once", "-log-level", "info", Database, ReplicaUrl]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.DoesNotContain("LOG_LEVEL", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_url_with_one_slash_too_few_is_warned_of()
    {
        WriteRows(1);
        var folder = _folder["replica"];

        var result = await RunningProgram.RunAsync("replicate", "-once", Database, $"file:/{folder}");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains($"msg=\"file:/{folder} is the folder {folder}; write file://{folder} ", result.Output, StringComparison.Ordinal);
        await AssertRestoredEqualsSourceAsync();
    }

    [Fact]
    public async Task A_replica_from_which_nothing_is_deleted_is_warned_of()
    {
        WriteRows(1);
        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $$"""
            retention: {enabled: false}
            dbs:
              - path: {{Database}}
                replica: {path: {{_folder["replica"]}} }
            """,
            TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("replicate", "-once", "-config", config);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("level=WARN msg=\"retention.enabled is false: ", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_database_is_restored_first_when_that_is_asked_for()
    {
        WriteRows(3);
        Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl)).ExitCode);
        foreach (var file in Directory.EnumerateFiles(_folder.Path, "app.db*"))
        {
            File.Delete(file);
        }

        Directory.Delete(_folder[".app.db-tidemark"], recursive: true);

        var result = await RunningProgram.RunAsync("replicate", "-once", "-restore-if-db-not-exists", Database, ReplicaUrl);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(3, Query(Database, "SELECT count(*) FROM t"));
    }

    [Fact]
    public async Task A_place_for_two_replicas_is_refused()
    {
        var result = await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl, ReplicaUrl + "/.");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"Error: {_folder["replica"]} is a destination twice", result.FirstErrorLine);
    }

    [Fact]
    public async Task A_database_that_is_listed_twice_is_refused()
    {
        var config = _folder["twice.yml"];
        await File.WriteAllTextAsync(
            config, "dbs: [{path: /a/x.db, replica: {path: /r}}, {path: /a/./x.db, replica: {path: /s}}]\n",
                TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("replicate", "-config", config);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"Error: {config}:1: dbs[1].path: /a/x.db is listed twice", result.FirstErrorLine);
    }

    [Fact]
    public async Task A_configuration_without_databases_is_an_error()
    {
        var config = _folder["empty.yml"];
        await File.WriteAllTextAsync(config, "dbs: []\n", TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("replicate", "-config", config);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("Error: no databases specified in configuration", result.FirstErrorLine);
    }

    private static long Query(string path, string sql)
    {
        using var database = DemoDatabase.Open(path);
        return database.QueryNumber(sql);
    }

    private void WriteRows(int count)
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, payload BLOB)");
        for (var row = 0; row < count; row++)
        {
            database.Execute("INSERT INTO t(payload) VALUES(randomblob(2000))");
        }
    }

    private async Task AssertRestoredEqualsSourceAsync(string? url = null)
    {
        var restored = _folder[$"restored-{Guid.NewGuid():n}.db"];
        var result = await RunningProgram.RunAsync("restore", "-integrity-check", "full", "-o", restored, url ?? ReplicaUrl);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var source = DemoDatabase.Open(Database);
        Assert.Equal(source.HashPages(), Replica.HashOf(restored));
    }
}
