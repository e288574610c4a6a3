using System.Diagnostics;
using Xunit;

namespace Tidemark.Replication.Tests.Health;

/// <summary>The program <c>sqlite3</c> in a process of its own, in a read transaction that it keeps open.</summary>
internal sealed class SqliteReader : IDisposable
{
    private readonly Process _process;

    private SqliteReader(Process process) => _process = process;

    /// <summary>How Tidemark names it.</summary>
    public string Description => $"sqlite3 (process {_process.Id})";

    /// <summary>Starts it, and returns when it has read.</summary>
    public static async Task<SqliteReader> StartAsync(string databasePath)
    {
        var start = new ProcessStartInfo("sqlite3", [databasePath])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync("BEGIN; SELECT 'has read', count(*) FROM t;");
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("has read", line, StringComparison.Ordinal);
        return new SqliteReader(process);
    }

    /// <summary>Ends its transaction, and it.</summary>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
