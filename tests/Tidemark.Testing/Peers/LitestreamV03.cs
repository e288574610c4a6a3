using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Tidemark.Testing.Peers;

/// <summary>The program Litestream 0.3.13: writes v0.3 replicas, and restores them.</summary>
/// <remarks>It is taken from where the environment variable TIDEMARK_LITESTREAM_V03 says, or from the packages under
/// <c>artifacts/npm</c> of the repository.</remarks>
public static class LitestreamV03
{
    private const string Variable = "TIDEMARK_LITESTREAM_V03";
    private const string Package
        = "artifacts/npm/@flydotio/litestream-linux-x64-1.0.1/node_modules/@flydotio/litestream-linux-x64/litestream";

    private const string Python = "/usr/bin/python3";

    // Writes transactions, and after each one waits until the replica has a new file, so that each gets a moment of its own.
    private const string Writer =
        """
        import os, random, sqlite3, sys, time
        database, replica, seed, transactions = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        def files(): return sum(len(names) for _, _, names in os.walk(replica))
        dice = random.Random(seed)
        app = sqlite3.connect(database, isolation_level=None)
        app.execute("PRAGMA wal_autocheckpoint=0")
        app.execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, data BLOB)")
        for i in range(transactions):
            before = files()
            app.execute("BEGIN IMMEDIATE")
            for _ in range(dice.randrange(1, 40)):
                app.execute("INSERT INTO t(data) VALUES (?)", (dice.randbytes(dice.randrange(1, 900)),))
            app.execute("UPDATE t SET data = ? WHERE id % 7 = ?", (dice.randbytes(50), dice.randrange(7)))
            if i % 5 == 4:
                app.execute("DELETE FROM t WHERE id < (SELECT max(id) FROM t) - 60")
            app.execute("COMMIT")
            if i % 10 == 9:
                app.execute("VACUUM")
            while files() == before:
                time.sleep(0.005)
        print("everything is written")
        """;

    /// <summary>Replicates a database that is written to for some transactions, and ends. A first run begins a generation, and so does one
    /// whose metadata was removed.</summary>
    public static async Task ReplicateAsync(TemporaryFolder folder, string database, string replica, int seed, int transactions)
    {
        var script = folder["writer.py"];
        var config = folder["litestream.yml"];
        await File.WriteAllTextAsync(script, Writer, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            config,
            $"""
            dbs:
              - path: {database}
                monitor-interval: 20ms
                checkpoint-interval: 400ms
                min-checkpoint-page-count: 30
                replicas:
                  - type: file
                    path: {replica}
                    sync-interval: 20ms
                    snapshot-interval: 700ms
            """,
            TestContext.Current.CancellationToken);
        var command = string.Create(CultureInfo.InvariantCulture, $"{Python} {script} {database} {replica} {seed} {transactions}");

        // Its own exit code says nothing: it sometimes fails at a last checkpoint, when everything is in the replica already.
        var (_, log) = await RunAsync("replicate", "-config", config, "-exec", command);
        Assert.True(log.Contains("everything is written", StringComparison.Ordinal), log);
    }

    /// <summary>Restores; null when the program refuses.</summary>
    public static async Task<byte[]?> RestoreAsync(string replica, string output, DateTimeOffset? moment = null)
    {
        string[] timestamp = moment is { } time
            ? ["-timestamp", time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture)]
            : [];
        var (exitCode, _) = await RunAsync(["restore", .. timestamp, "-o", output, $"file://{replica}"]);
        var content = exitCode == 0 ? PlainFile.Read(output) : null;
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(output)!, Path.GetFileName(output) + "*"))
        {
            File.Delete(file); // It leaves files beside the output.
        }

        return content;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params IReadOnlyList<string> arguments)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var start = new ProcessStartInfo(Find(), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        try
        {
            var output = await Task.WhenAll(
                process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, string.Concat(output));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static string Find()
    {
        var named = Environment.GetEnvironmentVariable(Variable);
        var path = string.IsNullOrEmpty(named) ? Path.Combine(TidemarkShared.RepositoryRoot(), Package) : named;
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException(
                $"Litestream 0.3.13 is missing: there is no {path}. Run ./test, which installs it, or set {Variable} to its path.");
    }
}
