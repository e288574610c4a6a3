using System.Globalization;
using Tidemark.Cli.Demo;
using Tidemark.Cli.Processes;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary><c>restore -f</c> as a process, beside a source that is replicated by other processes.</summary>
public sealed class FollowTests : IDisposable
{
    private const int Sigint = 2;
    private const int Sigkill = 9;
    private const int Sigterm = 15;
    private const int Sigusr1 = 10;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    private string Output => _folder["copy.db"];

    private string Url => $"file://{_folder["replica"]}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Sigint)]
    [InlineData(Sigterm)]
    public async Task The_copy_gets_new_rows_until_a_signal_ends_it_with_success(int signal)
    {
        await ReplicateRowsAsync(3);
        await using var program = Follow();
        await program.WaitForLineAsync("Restored");
        Assert.Equal(3, CountRows());

        using var reader = DemoDatabase.Open(Output);
        Assert.Equal(3, reader.QueryNumber("SELECT count(*) FROM t"));
        await ReplicateRowsAsync(2);
        await program.WaitForLineAsync("Applied changes");
        Assert.Equal(5, reader.QueryNumber("SELECT count(*) FROM t"));

        program.Signal(signal);
        var result = await program.WaitAsync();
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("Stopped following", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_killed_follower_goes_on_from_its_state()
    {
        await ReplicateRowsAsync(3);
        await using (var first = Follow())
        {
            await first.WaitForLineAsync("Restored");
            first.Signal(Sigkill);
            await first.WaitAsync();
        }

        await ReplicateRowsAsync(2);
        await using (var second = Follow())
        {
            Assert.Contains("Applied changes", await second.WaitForLineAsync("Applied", "Restored"), StringComparison.Ordinal);
            Assert.Equal(5, CountRows());
            second.Signal(Sigkill);
            await second.WaitAsync();
        }

        await using var third = Follow();
        Assert.Contains("Resumed", await third.WaitForLineAsync("Resumed", "Applied", "Restored"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_output_of_unknown_state_is_refused_and_replaced_when_that_is_forced()
    {
        await ReplicateRowsAsync(3);
        await File.WriteAllTextAsync(Output, "precious", Token);

        var refused = await RunningProgram.RunAsync("restore", "-f", "-o", Output, Url);
        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith($"Error: Cannot resume following: {Output} exists", refused.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("Hint: ", refused.Error, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(Output, Token));

        await using var forced = Follow("-force");
        await forced.WaitForLineAsync("Restored");
        Assert.Equal(3, CountRows());
    }

    [Fact]
    public async Task A_replica_that_begins_anew_is_restored_again_and_the_log_says_why()
    {
        await ReplicateRowsAsync(1);
        await ReplicateRowsAsync(1);
        await using var program = Follow();
        await program.WaitForLineAsync("Restored");
        program.Signal(Sigterm);
        await program.WaitAsync();

        Directory.Delete(_folder["replica"], recursive: true);
        Directory.Delete(_folder[".app.db-tidemark"], recursive: true);
        await ReplicateRowsAsync(5);
        await using var again = Follow();

        var line = await again.WaitForLineAsync("again", "Applied", "Resumed");
        Assert.Contains("level=WARN", line, StringComparison.Ordinal);
        Assert.Contains("the replica ends before its state", line, StringComparison.Ordinal);
        Assert.Equal(7, CountRows());
    }

    [Fact]
    public async Task A_copy_whose_record_is_gone_is_restored_again_and_the_log_says_why()
    {
        await ReplicateRowsAsync(3);
        await using (var first = Follow())
        {
            await first.WaitForLineAsync("Restored");
            first.Signal(Sigterm);
            await first.WaitAsync();
        }

        File.Delete(Output + "-follow");
        using (var other = DemoDatabase.Open(_folder["other.db"]))
        {
            other.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t DEFAULT VALUES");
        }

        File.Move(_folder["other.db"], Output, overwrite: true);
        await using var again = Follow();

        var line = await again.WaitForLineAsync("again", "Applied", "Resumed");
        Assert.Contains($"nothing proves that it was the state that {Output}-txid tells", line, StringComparison.Ordinal);
        Assert.Equal(3, CountRows());
    }

    [Fact]
    public async Task A_second_follower_into_one_copy_is_an_error_until_the_first_one_was_killed()
    {
        await ReplicateRowsAsync(3);
        await using var first = Follow();
        await first.WaitForLineAsync("Restored");

        var refused = await RunningProgram.RunAsync("restore", "-f", "-o", Output, Url);
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal($"Error: Cannot follow into {Output}: another follower does already.", refused.FirstErrorLine);

        await first.KillAsync();
        await using var second = Follow();
        Assert.Contains("Resumed", await second.WaitForLineAsync("Resumed", "Applied", "Restored"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_is_told_and_passes()
    {
        await ReplicateRowsAsync(3);
        await using var program = Follow();
        await program.WaitForLineAsync("Restored");

        // A file where the replica's folder should be, and then the folder again.
        Directory.Move(_folder["replica"], _folder["away"]);
        await File.WriteAllTextAsync(_folder["replica"], "in the way", Token);
        Assert.Contains("failure 1 in a row", await program.WaitForLineAsync("Cannot follow"), StringComparison.Ordinal);
        File.Delete(_folder["replica"]);
        Directory.Move(_folder["away"], _folder["replica"]);
        await program.WaitForLineAsync("Following works again"); // Though nothing is new.
        await ReplicateRowsAsync(2);

        await program.WaitForLineAsync("Applied changes");
        Assert.Equal(5, CountRows());
    }

    [Fact]
    public async Task A_missing_backup_is_an_error_unless_it_is_taken_for_success()
    {
        Assert.Equal(1, (await RunningProgram.RunAsync("restore", "-f", "-o", Output, Url)).ExitCode);
        Assert.Equal(0, (await RunningProgram.RunAsync("restore", "-f", "-if-replica-exists", "-o", Output, Url)).ExitCode);
    }

    [Fact]
    public async Task A_replica_of_litestream_0_3_cannot_be_followed()
    {
        LegacyReplica.CopyTo(_folder);

        var result = await RunningProgram.RunAsync("restore", "-f", "-if-replica-exists", "-o", Output, Url);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"Error: cannot follow {Url}: it is a replica of Litestream 0.3", result.FirstErrorLine);
    }

    [Fact]
    public async Task A_replica_of_litestream_0_3_is_named_at_any_destination()
    {
        LegacyReplica.CopyTo(_folder);
        var config = await ConfigureAsync("empty", "replica");

        var result = await RunningProgram.RunAsync("restore", "-f", "-config", config, "-o", Output, Database);

        Assert.Equal($"Error: cannot follow {Url}: it is a replica of Litestream 0.3", result.FirstErrorLine);
    }

    [Fact]
    public async Task A_database_of_the_configuration_is_followed_at_the_destination_that_reaches_furthest()
    {
        await ReplicateRowsAsync(3);
        var config = await ConfigureAsync("empty", "replica");

        await using var program = RunningProgram.Start("restore", "-f", "-config", config, "-o", Output, Database);

        Assert.Contains(Url, await program.WaitForLineAsync("Following"), StringComparison.Ordinal);
        await program.WaitForLineAsync("Restored");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task The_child_starts_when_the_copy_is_there_and_its_end_is_the_end(int exitCode)
    {
        await ReplicateRowsAsync(1);

        var result = await RunningProgram.RunAsync(
            "restore", "-f", "-exec", $"sh -c 'test -s {Output} && echo the copy is there; exit {exitCode}'", "-o", Output, Url);

        Assert.Equal((exitCode, ""), (result.ExitCode, result.Error));
        Assert.Contains("the copy is there\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("Stopped following", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_child_that_ignores_the_first_signal_keeps_being_served()
    {
        await ReplicateRowsAsync(1);
        await using var program = await FollowWithChildAsync(
            "count=0; trap 'count=$((count+1)); echo signal $count; test $count -lt 3 || exit 7' TERM");

        program.Signal(Sigterm);
        await program.WaitForLineAsync("signal 1");
        await ReplicateRowsAsync(1);
        await program.WaitForLineAsync("Applied changes");
        program.Signal(Sigterm);
        await program.WaitForLineAsync("signal 2");
        program.Signal(Sigterm);
        var result = await program.WaitAsync();

        Assert.Equal((7, ""), (result.ExitCode, result.Error));
        Assert.Contains("signal 3", result.Output, StringComparison.Ordinal);
        Assert.Equal(2, CountRows());
    }

    [Fact]
    public async Task A_child_gets_each_kind_of_signal_and_dies_of_it_with_128_and_its_number()
    {
        await ReplicateRowsAsync(1);
        await using var program = await FollowWithChildAsync("trap 'echo interrupted' INT; trap 'echo hung up' HUP");

        program.Signal(Sigint);
        await program.WaitForLineAsync("interrupted");
        program.Signal(1);
        await program.WaitForLineAsync("hung up");
        program.Signal(Sigterm);

        Assert.Equal(128 + Sigterm, (await program.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task A_child_that_cannot_start_is_an_error()
    {
        await ReplicateRowsAsync(1);

        var result = await RunningProgram.RunAsync("restore", "-f", "-exec", "/nowhere/program", "-o", Output, Url);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("Error: cannot start exec command /nowhere/program: No such file or directory", result.FirstErrorLine);
        Assert.Contains("Hint: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_child_is_started_without_a_copy()
    {
        var result = await RunningProgram.RunAsync("restore", "-f", "-exec", $"touch {_folder["started"]}", "-o", Output, Url);

        Assert.Equal(1, result.ExitCode);
        Assert.False(File.Exists(_folder["started"]));
    }

    [Theory]
    [InlineData("trap 'echo told to end; exit 0' TERM", "told to end")]
    [InlineData("trap 'echo deaf' TERM", "ended with exit code 137")]
    public async Task A_child_is_stopped_when_following_fails_for_good(string trap, string expected)
    {
        await ReplicateRowsAsync(1);
        await using var program = await FollowWithChildAsync(trap);

        // Somebody puts another database there, of which nothing tells the state.
        File.Delete(_folder["copy.db-txid"]);
        File.Delete(_folder["copy.db-follow"]);
        await File.WriteAllTextAsync(_folder["other"], "precious", Token);
        File.Move(_folder["other"], Output, overwrite: true);
        var result = await program.WaitAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"Error: Cannot resume following: {Output} exists", result.FirstErrorLine, StringComparison.Ordinal);
        Assert.Matches($"(?s)Following has failed for good.*Cannot resume following.*{expected}", result.Output);
        Assert.Contains(expected, result.Output, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(Output, Token));
    }

    [Fact]
    public async Task A_child_waits_while_the_replica_is_away_at_the_start()
    {
        await ReplicateRowsAsync(1);
        await using (var first = Follow())
        {
            await first.WaitForLineAsync("Restored");
            await first.KillAsync();
        }

        Directory.Move(_folder["replica"], _folder["away"]);
        await File.WriteAllTextAsync(_folder["replica"], "in the way", Token);
        await using var second = Follow("-exec", "echo the child runs");
        await second.WaitForLineAsync("failure 2 in a row");
        File.Delete(_folder["replica"]);
        Directory.Move(_folder["away"], _folder["replica"]);
        var result = await second.WaitAsync();

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Matches("(?s)Cannot follow.*Following works again.*Resumed.*the child runs", result.Output);
    }

    [Fact]
    public async Task A_child_outlives_a_killed_follower_and_does_not_hinder_the_next_one()
    {
        await ReplicateRowsAsync(1);
        await using var killed = await FollowWithChildAsync(
            $"trap 'echo still here' USR1; trap 'echo the orphan ends; exit 0' TERM; echo $$ > {_folder["pid"]}");
        var orphan = int.Parse(await File.ReadAllTextAsync(_folder["pid"], Token), CultureInfo.InvariantCulture);
        await killed.KillAsync();
        Signals.Send(orphan, Sigusr1);
        await killed.WaitForLineAsync("still here");

        await ReplicateRowsAsync(1);
        await using (var next = await FollowWithChildAsync("echo $$"))
        {
            Assert.Equal(2, CountRows());
            next.Signal(Sigterm);
            Assert.Equal(128 + Sigterm, (await next.WaitAsync()).ExitCode);
        }

        Signals.Send(orphan, Sigterm);
        await killed.WaitForLineAsync("the orphan ends");
    }

    private async Task<string> ConfigureAsync(params IEnumerable<string> replicas)
    {
        var config = _folder["tidemark.yml"];
        var destinations = string.Join(", ", replicas.Select(replica => $"{{path: '{_folder[replica]}'}}"));
        await File.WriteAllTextAsync(config, $"dbs: [{{path: '{Database}', replicas: [{destinations}]}}]", Token);
        return config;
    }

    private RunningProgram Follow(params string[] flags)
        => RunningProgram.Start(["restore", "-f", "-follow-interval", "20ms", .. flags, "-o", Output, Url]);

    /// <summary>Follows with a shell as the child that runs until a signal ends it, and waits until it runs.</summary>
    private async Task<RunningProgram> FollowWithChildAsync(string preparation)
    {
        var script = _folder[$"{Guid.NewGuid():n}.sh"]; // A shell reads its script as it goes.
        await File.WriteAllTextAsync(script, $"{preparation}\necho child is ready\nwhile :; do sleep 0.05; done\n", Token);
        var program = Follow("-exec", $"sh {script}");
        await program.WaitForLineAsync("child is ready");
        return program;
    }

    private long CountRows()
    {
        using var database = DemoDatabase.Open(Output);
        return database.QueryNumber("SELECT count(*) FROM t");
    }

    private async Task ReplicateRowsAsync(int count)
    {
        using (var database = DemoDatabase.Open(Database))
        {
            database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, payload BLOB)");
            for (var row = 0; row < count; row++)
            {
                database.Execute("INSERT INTO t(payload) VALUES(randomblob(2000))");
            }
        }

        var result = await RunningProgram.RunAsync("replicate", "-once", Database, Url);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }
}
