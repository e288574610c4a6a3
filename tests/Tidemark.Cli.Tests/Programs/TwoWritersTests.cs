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
    public async Task A_second_writer_with_another_database_and_both_stop()
    {
        Create("a");
        Create("b");
        await using var a = await StartAsync("a");
        await a.WaitForLineAsync("Captured all");
        await using var b = await StartAsync("b");

        await AssertBothStopAsync(a, b);
    }

    [Fact]
    public async Task Two_writers_that_start_at_once_on_an_empty_folder_both_stop()
    {
        Create("a");
        Create("b");
        await using var a = await StartAsync("a");
        await using var b = await StartAsync("b");

        await AssertBothStopAsync(a, b);
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

    private async Task<RunningProgram> StartAsync(string name)
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
        return RunningProgram.Start("replicate", "-config", config);
    }

    private void Create(string name)
    {
        Directory.CreateDirectory(_folder[name]);
        using var database = DemoDatabase.Open(_folder[$"{name}/app.db"]);
        database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
        database.Execute("INSERT INTO t VALUES(1, randomblob(2000)), (2, randomblob(2000))");
    }

    private void Write(string name)
    {
        using var database = DemoDatabase.Open(_folder[$"{name}/app.db"]);
        database.Execute("PRAGMA synchronous=OFF; UPDATE t SET payload = randomblob(2000)");
    }
}
