using System.Security.Cryptography;
using Tidemark.Cli.Demo;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>Two programs that replicate to one folder, as two machines do whose configuration was copied.</summary>
public sealed class TwoWritersTests : IDisposable
{
    private const int Sigterm = 15;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _seen = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_writer_that_runs_is_not_taken_over_unless_somebody_says_so_and_then_it_stops()
    {
        Create("a");
        Create("b");
        await using var a = await StartAsync("a", logLevel: "debug");
        await a.WaitForLineAsync("Shipped");

        var refused = await RunOnceAsync("b");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("another process of this machine replicates to this place", refused.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("-take-over", refused.Error, StringComparison.Ordinal);
        Write("a");
        await a.WaitForLineAsync("Shipped"); // It goes on.

        var takeover = await RunOnceAsync("b", "-take-over");
        Assert.Equal((0, ""), (takeover.ExitCode, takeover.Error));
        var ended = a.WaitAsync();
        while (!ended.IsCompleted)
        {
            Write("a");
        }

        Assert.Equal(1, (await ended).ExitCode);
        Assert.Contains("another process replicates to this place too", (await ended).FirstErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_writer_that_was_killed_and_lost_its_spool_goes_on_at_once()
    {
        Create("a");
        await using (var killed = await StartAsync("a", logLevel: "debug"))
        {
            await killed.WaitForLineAsync("Shipped");
        }

        Directory.Delete(_folder["a/spool"], recursive: true);

        var again = await RunOnceAsync("a");
        Assert.Equal((0, ""), (again.ExitCode, again.Error));
    }

    [Fact]
    public async Task The_replica_of_another_database_is_not_continued_unless_somebody_says_so()
    {
        Create("a");
        Create("b", rows: 500);
        Assert.Equal(0, (await RunOnceAsync("a")).ExitCode);

        var refused = await RunOnceAsync("b");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("is another database than", refused.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("-take-over", refused.Error, StringComparison.Ordinal);

        var takeover = await RunOnceAsync("b", "-take-over");
        Assert.Equal((0, ""), (takeover.ExitCode, takeover.Error));
    }

    [Fact]
    public async Task Two_writers_with_copies_of_one_spool_both_stop()
    {
        Create("a");
        await using (var before = await StartAsync("a"))
        {
            await before.WaitForLineAsync("Captured all");
            before.Signal(Sigterm);
            Assert.Equal(0, (await before.WaitAsync()).ExitCode);
        }

        TemporaryFolder.Copy(_folder["a"], _folder["b"]);
        await using var a = await StartAsync("a");
        await using var b = await StartAsync("b");

        var (ofA, ofB) = await AssertBothStopAsync(a, b);
        Assert.Contains("a copy of the same spool", ofA + ofB, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_writer_that_was_killed_goes_on_where_it_was()
    {
        Create("a");
        await using (var killed = await StartAsync("a"))
        {
            await killed.WaitForLineAsync("Captured all");
        }

        await using var again = await StartAsync("a");
        await again.WaitForLineAsync("Replicating");
        Write("a");
        again.Signal(Sigterm);
        var result = await again.WaitAsync();

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.DoesNotContain("another writer", result.Output, StringComparison.Ordinal);
    }

    private async Task<(string OfA, string OfB)> AssertBothStopAsync(RunningProgram a, RunningProgram b)
    {
        var both = Task.WhenAll(a.WaitAsync(), b.WaitAsync());
        while (!both.IsCompleted)
        {
            Write("a");
            Write("b");
            await NoteFilesAsync();
        }

        foreach (var result in await both)
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("another process replicates to this place too", result.FirstErrorLine, StringComparison.Ordinal);
            Assert.Contains("Hint: Only one process may replicate to a place.", result.Error, StringComparison.Ordinal);
        }

        await NoteFilesAsync();
        if (_seen.Count > 0) // Two that start at once may find each other before either has written a file.
        {
            var restored = await RunningProgram.RunAsync(
                "restore", "-integrity-check", "full", "-o", _folder["restored.db"], $"file://{_folder["replica"]}");
            Assert.Equal((0, ""), (restored.ExitCode, restored.Error));
        }

        return (both.Result[0].Error, both.Result[1].Error);
    }

    // A file never changes once it is there.
    private async Task NoteFilesAsync()
    {
        if (!Directory.Exists(_folder["replica"]))
        {
            return;
        }

        foreach (var path in Directory.EnumerateFiles(_folder["replica"], "*.ltx", SearchOption.AllDirectories))
        {
            var hash = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(path, Token)));
            Assert.True(_seen.TryAdd(path, hash) || _seen[path] == hash, $"{path} has changed.");
        }
    }

    private async Task<RunningProgram> StartAsync(string name, string logLevel = "info")
        => RunningProgram.Start("replicate", "-log-level", logLevel, "-config", await ConfigAsync(name));

    private async Task<ProgramResult> RunOnceAsync(string name, params IEnumerable<string> flags)
        => await RunningProgram.RunAsync(["replicate", "-once", .. flags, "-config", await ConfigAsync(name)]);

    private async Task<string> ConfigAsync(string name)
    {
        var config = _folder[$"{name}.yml"];
        await File.WriteAllTextAsync(
            config,
            $$"""
            dbs:
              - path: {{_folder[$"{name}/app.db"]}}
                meta-path: {{_folder[$"{name}/spool"]}}
                claim-check-interval: 100ms
                replica: {path: {{_folder["replica"]}}, sync-interval: 50ms}
            """,
            Token);
        return config;
    }

    private void Create(string name, int rows = 2)
    {
        Directory.CreateDirectory(_folder[name]);
        using var database = DemoDatabase.Open(_folder[$"{name}/app.db"]);
        database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
        database.Execute(
            $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO t SELECT i, randomblob(2000) FROM n");
    }

    private void Write(string name)
    {
        using var database = DemoDatabase.Open(_folder[$"{name}/app.db"]);
        database.Execute("PRAGMA synchronous=OFF; UPDATE t SET payload = randomblob(2000)");
    }
}
