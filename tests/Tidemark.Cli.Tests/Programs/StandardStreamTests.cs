using Tidemark.Cli.Demo;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>Standard streams that are closed, full, or read by nobody.</summary>
public sealed class StandardStreamTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    private string ReplicaUrl => $"file://{_folder["replica"]}";

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("exec \"$@\" >/dev/full")]
    [InlineData("exec \"$@\" >/dev/full 2>/dev/full")]
    [InlineData("exec \"$@\" >&- 2>&- <&-")]
    [InlineData("{ \"$@\"; echo $? >\"$0.code\"; } | true; exit $(cat \"$0.code\")")]
    public async Task A_log_that_cannot_be_written_stops_nothing(string command)
    {
        WriteRows();

        var result = await RunningProgram.RunInShellAsync(
            command.Replace("$0", _folder["sh"], StringComparison.Ordinal), "replicate", "-once", Database, ReplicaUrl);

        Assert.Equal((0, "", ""), (result.ExitCode, result.Output, result.Error));
        await AssertRestoredEqualsSourceAsync();
    }

    [Theory]
    [InlineData(">&- 2>&- <&-", 0, 1, 2)]
    [InlineData(">&-", 1)]
    [InlineData("2>&-", 2)]
    public async Task Closed_streams_are_the_null_device_for_the_program_and_its_child(string closing, params int[] closed)
    {
        WriteRows();
        var child = _folder["child.sh"];
        await File.WriteAllTextAsync(
            child,
            $"""
            for number in 0 1 2; do
              found=$(readlink /proc/$PPID/fd/$number /proc/$$/fd/$number)
              echo $found >>{_folder["streams"]}
            done
            sqlite3 -cmd '.timeout 5000' {Database} "INSERT INTO t(payload) VALUES('written by the child')"
            """,
            TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunInShellAsync(
            $"exec \"$@\" {closing}", "replicate", "-exec", $"sh {child}", Database, ReplicaUrl);

        Assert.Equal(0, result.ExitCode);
        var streams = await File.ReadAllLinesAsync(_folder["streams"], TestContext.Current.CancellationToken);
        Assert.All(closed, number => Assert.Equal("/dev/null /dev/null", streams[number]));
        await AssertRestoredEqualsSourceAsync();
    }

    [Fact]
    public async Task A_result_that_cannot_be_written_is_an_error_and_no_defect()
    {
        WriteRows();
        Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl)).ExitCode);

        foreach (var command in (string[])["ltx", "verify"])
        {
            var result = await RunningProgram.RunInShellAsync("exec \"$@\" >/dev/full", command, ReplicaUrl);
            Assert.Equal((1, "Error: Cannot write to standard output: No space left on device\n"), (result.ExitCode, result.Error));
            Assert.Equal(1, (await RunningProgram.RunInShellAsync("exec \"$@\" >/dev/full 2>/dev/full", command, ReplicaUrl)).ExitCode);
            Assert.Equal(0, (await RunningProgram.RunInShellAsync("exec \"$@\" >&-", command, ReplicaUrl)).ExitCode);
        }
    }

    [Fact]
    public async Task A_child_ends_with_the_reader_of_its_pipe_as_in_a_shell()
    {
        WriteRows();

        var result = await RunningProgram.RunAsync("replicate", "-exec", "sh -c 'yes | head -n 1'", Database, ReplicaUrl);

        Assert.Equal((0, ""), (result.ExitCode, result.Error)); // Deaf to the signal, yes complains.
    }

    private void WriteRows()
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
        database.Execute("INSERT INTO t(payload) VALUES('row')");
    }

    private async Task AssertRestoredEqualsSourceAsync()
    {
        var result = await RunningProgram.RunAsync("restore", "-o", _folder["restored.db"], ReplicaUrl);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var source = DemoDatabase.Open(Database);
        Assert.Equal(source.HashPages(), Replica.HashOf(_folder["restored.db"]));
    }
}
