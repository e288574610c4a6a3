using System.Diagnostics;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

/// <summary>Another process that has the database open by the system's own SQLite, and does what it is told.</summary>
internal sealed class ReaderProcess : IDisposable
{
    // One line in, one line out. The connection stays open, and so does its cache.
    private const string Script =
        """
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
        for line in sys.stdin:
            try:
                print(repr(db.execute(line.strip()).fetchall()), flush=True)
            except Exception as e:
                print(repr(e), flush=True)
        """;

    private readonly Process _process;

    public ReaderProcess(string path)
        => _process = Process.Start(new ProcessStartInfo("python3", ["-c", Script, path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;

    /// <summary>Its number.</summary>
    public int Id => _process.Id;

    /// <summary>Runs a statement, and gives its rows as Python writes them.</summary>
    public async Task<string> RunAsync(string sql)
    {
        await _process.StandardInput.WriteLineAsync(sql.AsMemory(), TestContext.Current.CancellationToken);
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        return await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) ?? "";
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
