using Tidemark.Cli.Demo;
using Tidemark.Testing;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>What signals do to a run, to its child, and to what hangs.</summary>
public sealed class SignalTests : IDisposable
{
    private const int Sighup = 1;
    private const int Sigint = 2;
    private const int Sigterm = 15;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    private string ReplicaUrl => $"file://{_folder["replica"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_hangup_does_not_end_a_replication()
    {
        WriteRow();
        await using var program = RunningProgram.Start("replicate", "-log-level", "debug", Database, ReplicaUrl);
        await program.WaitForLineAsync("Shipped ");

        program.Signal(Sighup);
        await program.WaitForLineAsync("SIGHUP");
        WriteRow();
        await program.WaitForLineAsync("Shipped ");
        program.Signal(Sigterm);

        Assert.Equal(0, (await program.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task A_hangup_does_not_end_a_follower()
    {
        WriteRow();
        Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl)).ExitCode);
        await using var program = RunningProgram.Start("restore", "-f", "-o", _folder["copy.db"], ReplicaUrl);
        await program.WaitForLineAsync("Restored");

        program.Signal(Sighup);
        await program.WaitForLineAsync("SIGHUP");
        WriteRow();
        Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl)).ExitCode);
        await program.WaitForLineAsync("Applied changes");
        program.Signal(Sigterm);

        Assert.Equal(0, (await program.WaitAsync()).ExitCode);
    }

    [Theory]
    [InlineData("sleep 600")]
    [InlineData("sh -c 'trap \"exit 0\" TERM; while :; do sleep 0.1; done'")]
    public async Task A_child_is_told_when_replication_has_failed_and_the_exit_code_says_so(string child)
    {
        await File.WriteAllTextAsync(Database, new string('x', 5000), TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("replicate", "-exec", child, Database, ReplicaUrl);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Replication has failed, and the command is told to end", result.Output, StringComparison.Ordinal);
        Assert.StartsWith($"Error: {Database}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_child_may_live_on_with_any_number_of_interrupts_and_is_replicated_meanwhile()
    {
        WriteRow();
        var child = _folder["child.sh"];
        await File.WriteAllTextAsync(
            child, "trap 'sleep 0.1; echo interrupted' INT\ntrap 'exit 0' TERM\necho waiting\nwhile :; do sleep 0.05; done\n",
            TestContext.Current.CancellationToken);
        await using var program = RunningProgram.Start(
            "replicate", "-log-level", "debug", "-exec", $"sh {child}", Database, ReplicaUrl);
        await program.WaitForLineAsync("Shipped ");
        for (var i = 0; i < 10; i++)
        {
            program.Signal(Sigint); // The last of them are no echoes of the first.
            await program.WaitForLineAsync("interrupted");
        }

        WriteRow();
        await program.WaitForLineAsync("Shipped ");
        program.Signal(Sigterm);

        Assert.Equal(0, (await program.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task A_child_that_hears_nothing_is_killed_after_the_second_signal()
    {
        WriteRow();
        await using var program = RunningProgram.Start(
            "replicate", "-exec", "sh -c 'trap \"\" TERM; echo waiting as $$; while :; do sleep 0.1; done'", Database, ReplicaUrl);
        var line = await program.WaitForLineAsync("waiting as ");

        await program.SignalUntilEndAsync(Sigterm);

        Assert.Equal(137, (await program.WaitAsync()).ExitCode);
        Assert.False(Directory.Exists($"/proc/{line.Split(' ')[^1]}"));
    }

    [Fact]
    public async Task A_second_signal_ends_a_run_whose_destination_does_not_answer_and_the_log_says_what_it_lacks()
    {
        WriteRow();
        Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", Database, ReplicaUrl)).ExitCode);
        File.Delete(_folder["replica/tidemark-writer"]);
        await UnixTools.MakePipeAsync(_folder["replica/tidemark-writer"]); // Nobody opens the other end.
        await using var program = RunningProgram.Start("replicate", "-log-level", "debug", Database, ReplicaUrl);
        await program.WaitForLineAsync("Replicating ");
        WriteRow();
        await program.WaitForLineAsync("Captured ", "captured the ");

        await program.SignalUntilEndAsync(Sigterm);

        var result = await program.WaitAsync();
        Assert.Equal((1, "Error: Not everything was captured and shipped before the end."), (result.ExitCode, result.FirstErrorLine));
        Assert.Contains($"Stopped with captures of {Database} that {ReplicaUrl} does not have", result.Output, StringComparison.Ordinal);
    }

    private void WriteRow()
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES(randomblob(2000))");
    }
}
