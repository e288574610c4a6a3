using System.Globalization;
using System.Text.Json;
using Tidemark.Cli.Demo;
using Tidemark.Testing;
using Tidemark.Testing.Databases;

namespace Tidemark.Cli.Tests.Programs;

public sealed class RestoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Output => _folder["out.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_replica_is_restored_to_its_latest_state()
    {
        var result = await RunningProgram.RunAsync("restore", "-o", Output, Replica.Url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(Replica.HashAt(Replica.MaxTxid), Replica.HashOf(Output));
        AssertNothingElseIsThere();
    }

    [Fact]
    public async Task A_txid_is_restored_exactly()
    {
        var result = await RunningProgram.RunAsync("restore", Replica.Url, "--txid=0000000000000005", "--o", Output);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(Replica.HashAt("0000000000000005"), Replica.HashOf(Output));
    }

    [Fact]
    public async Task Json_is_one_document_on_standard_output_with_the_log_elsewhere()
    {
        var result = await RunningProgram.RunAsync("restore", "-json", "-integrity-check", "full", "-o", Output, Replica.Url);

        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(
            ["db_path", "replica", "txid", "duration_ms", "integrity_check", "format", "timestamp", "size", "bytes_read", "proven",
                "warnings", "unchecked"],
            json.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(Output, json.RootElement.GetProperty("db_path").GetString());
        Assert.Equal("file", json.RootElement.GetProperty("replica").GetString());
        Assert.Equal(Replica.MaxTxid, json.RootElement.GetProperty("txid").GetString());
        Assert.Equal("full", json.RootElement.GetProperty("integrity_check").GetString());
        Assert.Contains("level=INFO", result.Error, StringComparison.Ordinal);
        AssertNothingElseIsThere();
    }

    [Fact]
    public async Task A_dry_run_prints_the_plan_and_restores_nothing()
    {
        var result = await RunningProgram.RunAsync("restore", "-dry-run", "-json", "-o", Output, Replica.Url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(
            ["source", "target_path", "replica", "min_txid", "max_txid", "files", "format", "timestamp", "size", "warnings"],
                json.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(Replica.MaxTxid, json.RootElement.GetProperty("max_txid").GetString());
        var first = json.RootElement.GetProperty("files")[0];
        Assert.Equal("0000000000000001", first.GetProperty("min_txid").GetString());
        Assert.Equal(["level", "name", "min_txid", "max_txid", "size", "timestamp"], first.EnumerateObject().Select(field => field.Name));
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public async Task A_dry_run_prints_the_plan_as_text()
    {
        var result = await RunningProgram.RunAsync("restore", "-dry-run", "-o", Output, Replica.Url);

        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith($"Restore plan:\n  source: {Replica.Url}\n  target: {Output}\n  replica: file\n", result.Output,
            StringComparison.Ordinal);
        Assert.Contains("level  file ", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_existing_output_is_kept_unless_it_is_forced()
    {
        WriteOutput("precious");

        var refused = await RunningProgram.RunAsync("restore", "-o", Output, Replica.Url);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("already exists and is not empty", refused.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("-force", refused.Error, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(Output, TestContext.Current.CancellationToken));

        var forced = await RunningProgram.RunAsync("restore", "-force", "-o", Output, Replica.Url);
        Assert.Equal(0, forced.ExitCode);
        Assert.Equal(Replica.HashAt(Replica.MaxTxid), Replica.HashOf(Output));
    }

    [Fact]
    public async Task An_output_that_a_program_has_open_is_kept_unless_even_that_is_forced()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems do not tell who uses a file.");
        using var source = SourceDatabase.Open(Output);
        source.CreateTable();

        var refused = await RunningProgram.RunAsync("restore", "-force", "-o", Output, Replica.Url);
        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith(
            $"Error: Cannot restore, process {Environment.ProcessId} has the output open", refused.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("With -force-in-use", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, source.RunLong("SELECT count(*) FROM t"));

        var forced = await RunningProgram.RunAsync("restore", "-force-in-use", "-o", Output, Replica.Url);
        Assert.Equal(0, forced.ExitCode);
        Assert.Equal(Replica.HashAt(Replica.MaxTxid), Replica.HashOf(Output));
    }

    [Fact]
    public async Task A_forced_restore_from_an_empty_replica_keeps_the_output()
    {
        WriteOutput("precious");

        var result = await RunningProgram.RunAsync("restore", "-force", "-o", Output, $"file://{_folder["empty"]}");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Hint: ", result.Error, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(Output, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_existing_database_can_be_taken_for_success()
    {
        WriteOutput("precious");

        var result = await RunningProgram.RunAsync("restore", "-if-db-not-exists", "-o", Output, Replica.Url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal("precious", await File.ReadAllTextAsync(Output, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_missing_backup_can_be_taken_for_success()
    {
        var empty = $"file://{_folder["empty"]}";

        Assert.Equal(1, (await RunningProgram.RunAsync("restore", "-o", Output, empty)).ExitCode);
        Assert.Equal(0, (await RunningProgram.RunAsync("restore", "-if-replica-exists", "-o", Output, empty)).ExitCode);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public async Task A_moment_before_all_backups_is_a_missing_backup()
        => Assert.Equal(0, (await RunningProgram.RunAsync(
            "restore", "-if-replica-exists", "-timestamp", "2001-01-01T00:00:00Z", "-o", Output, Replica.Url)).ExitCode);

    [Fact]
    public async Task A_moment_with_fraction_and_offset_is_restored_and_the_log_says_which_state_that_is()
    {
        var url = $"file://{_folder["replica"]}";
        var source = _folder["source.db"];
        for (var row = 1; row <= 2; row++)
        {
            using (var database = DemoDatabase.Open(source))
            {
                database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY); INSERT INTO t DEFAULT VALUES");
            }

            Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", source, url)).ExitCode);
        }

        var listing = await RunningProgram.RunAsync("ltx", "-json", url);
        var files = JsonDocument.Parse(listing.Output).RootElement.EnumerateArray()
            .Select(file => (Txid: file.GetProperty("max_txid").GetString()!, Created: file.GetProperty("timestamp").GetDateTimeOffset()))
            .ToArray();
        var moment = files[^1].Created.ToOffset(TimeSpan.FromHours(2)); // The last file was made at this moment, and not before it.

        var result = await RunningProgram.RunAsync(
            "restore", "-o", Output, "-timestamp", moment.ToString("yyyy-MM-dd'T'HH:mm:ss.fffzzz", CultureInfo.InvariantCulture), url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains(
            $"TXID {files[^2].Txid}, captured at {files[^2].Created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF", CultureInfo.InvariantCulture)}",
            result.Output, StringComparison.Ordinal);
        using var restored = DemoDatabase.Open(Output);
        Assert.Equal(1, restored.QueryNumber("SELECT count(*) FROM t"));
    }

    [Fact]
    public async Task A_txid_and_a_moment_together_are_refused()
    {
        var result = await RunningProgram.RunAsync(
            "restore", "-txid", "0000000000000005", "-timestamp", "2030-01-01T00:00:00Z", "-o", Output, Replica.Url);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("Error: cannot specify both -txid and -timestamp", result.FirstErrorLine);
    }

    [Fact]
    public async Task A_database_of_the_configuration_is_restored_to_its_place_from_the_destination_that_reaches_furthest()
    {
        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $"dbs: [{{path: '${{FOLDER}}/out.db', replicas: [{{path: '{_folder["empty"]}'}}, {{url: '{Replica.Url}'}}]}}]",
            TestContext.Current.CancellationToken);
        var variables = new Dictionary<string, string> { ["FOLDER"] = _folder.Path, ["LITESTREAM_CONFIG"] = config };

        var result = await RunningProgram.RunAsync(variables, ["restore", Output]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(Replica.HashAt(Replica.MaxTxid), Replica.HashOf(Output));

        var other = await RunningProgram.RunAsync("restore", "-config", config, _folder["other.db"]);
        Assert.Equal(1, other.ExitCode);
        Assert.Equal($"Error: database not found in config: {_folder["other.db"]}", other.FirstErrorLine);
    }

    [Fact]
    public async Task A_damaged_file_is_walked_around_with_a_warning_and_an_older_state_is_never_restored_instead()
    {
        await ReplicateAsync("replica");
        var url = $"file://{_folder["replica"]}";
        Cut("replica/ltx/9/0000000000000001-0000000000000003.ltx");

        var result = await RunningProgram.RunAsync("restore", "-json", "-o", Output, url);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("level=WARN msg=\"A file of the replica is damaged", result.Error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal("0000000000000003", json.RootElement.GetProperty("txid").GetString());
        var warning = Assert.Single(json.RootElement.GetProperty("warnings").EnumerateArray()).GetString();
        Assert.Contains("9/0000000000000001-0000000000000003.ltx", warning, StringComparison.Ordinal);
        Assert.Equal(3, CountRows());

        Cut("replica/ltx/0/0000000000000003-0000000000000003.ltx");
        var refused = await RunningProgram.RunAsync("restore", "-force", "-txid", "0000000000000003", "-o", Output, url);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("Hint: Restore TXID 0000000000000002 of ", refused.Error, StringComparison.Ordinal);
        Assert.Equal(3, CountRows());
    }

    [Fact]
    public async Task An_integrity_check_that_fails_names_the_output_and_leaves_nothing()
    {
        var source = _folder["source.db"];
        using (var database = DemoDatabase.Open(source))
        {
            database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX i ON t(a)");
            database.Execute("INSERT INTO t(a) VALUES(1)");
            database.Execute("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage=rootpage+1000 WHERE name='i'");
        }

        var url = $"file://{_folder["replica"]}";
        Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", source, url)).ExitCode);

        var result = await RunningProgram.RunAsync("restore", "-integrity-check", "full", "-o", Output, url);

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"Error: {Output}: ", result.FirstErrorLine, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Theory]
    [InlineData("first", "second")]
    [InlineData("second", "first")]
    public async Task A_damaged_destination_is_passed_over_when_another_one_has_the_same_state(string damaged, string whole)
    {
        await ReplicateAsync("first", "second");
        foreach (var file in Directory.EnumerateFiles(_folder[$"{damaged}/ltx"], "*-0000000000000003.ltx", SearchOption.AllDirectories))
        {
            Cut(file);
        }

        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $"dbs: [{{path: '{Output}', replicas: [{{path: '{_folder["first"]}'}}, {{path: '{_folder["second"]}'}}]}}]",
            TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("restore", "-config", config, Output);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(damaged == "first", result.Output.Contains($"Cannot use file://{_folder["first"]}", StringComparison.Ordinal));
        Assert.Equal(3, CountRows());

        Directory.Delete(_folder[$"{whole}/ltx/9"], recursive: true);
        File.Delete(_folder[$"{whole}/ltx/0/0000000000000003-0000000000000003.ltx"]); // Now it only has an older state.
        var refused = await RunningProgram.RunAsync("restore", "-force", "-config", config, Output);
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal(3, CountRows());
    }

    [Fact]
    public async Task A_destination_of_another_history_does_not_stand_in_and_is_told_of()
    {
        await ReplicateAsync("first");
        await ReplicateAsync("other.db", ["second"]);
        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $"dbs: [{{path: '{Output}', replicas: [{{path: '{_folder["first"]}'}}, {{path: '{_folder["second"]}'}}]}}]",
            TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("restore", "-json", "-config", config, Output);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("hold different states under TXID 0000000000000003: they are not of one history.", result.Error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Single(json.RootElement.GetProperty("warnings").EnumerateArray());
        Assert.Equal(3, CountRows());

        var verified = await RunningProgram.RunAsync("verify", "-config", config, Output);
        Assert.Equal(1, verified.ExitCode);
        Assert.Contains(
            $"PROBLEM: file://{_folder["second"]} holds another state under TXID 0000000000000003 than file://{_folder["first"]}",
            verified.Output, StringComparison.Ordinal);

        foreach (var file in Directory.EnumerateFiles(_folder["first/ltx"], "*-0000000000000003.ltx", SearchOption.AllDirectories))
        {
            Cut(file);
        }

        // Of what is damaged nothing is believed, but the states before tell the same.
        var refused = await RunningProgram.RunAsync("restore", "-force", "-config", config, Output);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("hold different states under TXID 0000000000000002", refused.Output, StringComparison.Ordinal);
        Assert.Equal(3, CountRows());
    }

    [Fact]
    public async Task A_store_that_is_not_supported_is_an_error_with_a_hint()
    {
        var result = await RunningProgram.RunAsync("restore", "-o", Output, "s3://bucket/path");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("s3", result.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("Hint: ", result.Error, StringComparison.Ordinal);
    }

    /// <summary>Three captures of a row each, and a snapshot after each.</summary>
    private Task ReplicateAsync(params string[] folders) => ReplicateAsync("source.db", folders);

    private async Task ReplicateAsync(string name, string[] folders)
    {
        var source = _folder[name];
        for (var row = 1; row <= 3; row++)
        {
            using (var database = DemoDatabase.Open(source))
            {
                database.Execute($"PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY); PRAGMA user_version={name.Length}");
                database.Execute("INSERT INTO t DEFAULT VALUES");
            }

            string[] urls = [.. folders.Select(folder => $"file://{_folder[folder]}")];
            Assert.Equal(0, (await RunningProgram.RunAsync(["replicate", "-once", "-force-snapshot", source, .. urls])).ExitCode);
        }
    }

    private long CountRows()
    {
        using var database = DemoDatabase.Open(Output);
        return database.QueryNumber("SELECT count(*) FROM t");
    }

#pragma warning disable RS0030 // Plain files that nobody else uses.
    private void Cut(string file)
    {
        using var stream = File.OpenWrite(_folder[file]);
        stream.SetLength(100);
    }
#pragma warning restore RS0030

#pragma warning disable RS0030 // A plain file that stands for a database.
    private void WriteOutput(string text) => File.WriteAllText(Output, text);
#pragma warning restore RS0030

    private void AssertNothingElseIsThere() => Assert.Equal([Output], Directory.EnumerateFileSystemEntries(_folder.Path));
}
