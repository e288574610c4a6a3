using Tidemark.Cli.Demo;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>What <c>replicate -once</c> does beside capturing and uploading.</summary>
public sealed class OnceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_forced_snapshot_holds_everything_up_to_the_newest_txid()
    {
        Write("CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
        await RunAsync();
        Write("INSERT INTO t(payload) VALUES(randomblob(3000))");
        await RunAsync("-force-snapshot");

        Assert.Equal(Names(0)[^1][^16..], Names(9) is [var snapshot] ? snapshot[^16..] : null);
        Assert.StartsWith("0000000000000001-", Names(9)[0], StringComparison.Ordinal);

        // The snapshot alone leads there.
        Directory.Delete(_folder["replica/ltx/0"], recursive: true);
        await AssertRestoredEqualsSourceAsync();
    }

    [Fact]
    public async Task A_forced_snapshot_of_what_has_one_already_changes_nothing()
    {
        Write("CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
        await RunAsync("-force-snapshot");
        var before = Names(9);
        await RunAsync("-force-snapshot");

        Assert.Equal(before, Names(9));
        await AssertRestoredEqualsSourceAsync();
    }

    [Fact]
    public async Task Enforced_retention_deletes_what_is_due_and_nothing_is_deleted_without_it()
    {
        Write("CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
        await RunAsync("-force-snapshot");
        Write("INSERT INTO t(payload) VALUES(randomblob(3000))");
        await RunAsync();
        var before = Names(0);
        Assert.Equal("0000000000000001-0000000000000001", before[0]);

        await RunAsync("-enforce-retention");

        // Up to the snapshot, captures are given up; the snapshot is the last one and stays.
        var snapshot = Assert.Single(Names(9));
        Assert.Equal(before.Where(name => string.CompareOrdinal(name[^16..], snapshot[^16..]) > 0), Names(0));
        Assert.NotEqual(before, Names(0));
        await AssertRestoredEqualsSourceAsync();
    }

    [Theory]
    [InlineData("missing.db")]
    [InlineData("folder")]
    [InlineData("text.txt")]
    public async Task What_is_no_database_leaves_no_spool(string name)
    {
        Directory.CreateDirectory(_folder["folder"]);
        await File.WriteAllTextAsync(_folder["text.txt"], new string('x', 5000), TestContext.Current.CancellationToken);
        var before = Directory.GetFileSystemEntries(_folder.Path).Order();
        var result = await RunningProgram.RunAsync("replicate", "-once", _folder[name], $"file://{_folder["replica"]}");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(_folder[name], result.FirstErrorLine, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries(_folder.Path).Order());
    }

    [Fact]
    public async Task An_application_that_keeps_everybody_out_is_named_as_the_likely_cause_and_an_interruption_is_told()
    {
        const int Sigterm = 15;
        using var application = DemoDatabase.Open(Database);
        application.Execute("PRAGMA journal_mode=WAL; PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE t(a)");
        await using var program = RunningProgram.Start("replicate", "-once", Database, $"file://{_folder["replica"]}");
        Assert.Contains("PRAGMA locking_mode=EXCLUSIVE", await program.WaitForLineAsync("Cannot capture"), StringComparison.Ordinal);
        program.Signal(Sigterm);
        var result = await program.WaitAsync();
        Assert.Equal(
            (143, "Error: interrupted; what is not in every replica yet is left for the next run\n"), (result.ExitCode, result.Error));
    }

    private string[] Names(int level)
        => [.. Directory.EnumerateFiles(_folder[$"replica/ltx/{level}"]).Select(Path.GetFileNameWithoutExtension).Order()!];

    private void Write(string sql)
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute($"PRAGMA journal_mode=WAL; {sql}");
    }

    private async Task RunAsync(params IEnumerable<string> flags)
    {
        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $$"""
            snapshot: {retention: 1ms}
            l0-retention: 1ms
            dbs:
              - path: {{Database}}
                replica: {path: {{_folder["replica"]}}}

            """,
            TestContext.Current.CancellationToken);
        var result = await RunningProgram.RunAsync(["replicate", "-once", .. flags, "-config", config]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    private async Task AssertRestoredEqualsSourceAsync()
    {
        var restored = _folder["restored.db"];
        var result = await RunningProgram.RunAsync("restore", "-o", restored, $"file://{_folder["replica"]}");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var source = DemoDatabase.Open(Database);
        Assert.Equal(source.HashPages(), Replica.HashOf(restored));
    }
}
