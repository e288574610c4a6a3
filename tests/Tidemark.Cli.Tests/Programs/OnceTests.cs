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
