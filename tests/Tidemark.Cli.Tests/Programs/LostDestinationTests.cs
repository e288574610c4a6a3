using Tidemark.Cli.Demo;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>A destination that has lost what it held, between two runs of the program.</summary>
public sealed class LostDestinationTests : IDisposable
{
    private const int Sigterm = 15;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    private string Url => $"file://{_folder["replica"]}";

    private string Other => $"file://{_folder["other"]}";

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_disk_that_is_not_mounted_after_a_restart_is_an_error_and_filled_only_when_somebody_says_so(bool isService)
    {
        Write("CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
        if (isService)
        {
            await using var service = RunningProgram.Start("replicate", Database, Url, Other);
            await service.WaitForLineAsync("Captured all");
            service.Signal(Sigterm);
            Assert.Equal(0, (await service.WaitAsync()).ExitCode);
        }
        else
        {
            Assert.Equal(0, (await RunAsync()).ExitCode);
        }

        Directory.Delete(_folder["replica"], recursive: true);
        Directory.CreateDirectory(_folder["replica"]);
        Write("INSERT INTO t(payload) VALUES(randomblob(3000))");

        var refused = await RunAsync();

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the replica is empty, though it held captures up to TXID", refused.Error, StringComparison.Ordinal);
        Assert.Contains("-refill", refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["replica"]));
        await AssertHoldsSourceAsync(Other);

        var filled = await RunAsync("-refill");

        Assert.Equal((0, ""), (filled.ExitCode, filled.Error));
        await AssertHoldsSourceAsync(Url);
        Assert.Equal(0, (await RunAsync()).ExitCode);
    }

    private Task<ProgramResult> RunAsync(params IEnumerable<string> flags)
        => RunningProgram.RunAsync(["replicate", "-once", .. flags, Database, Url, Other]);

    private void Write(string sql)
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute($"PRAGMA journal_mode=WAL; {sql}");
    }

    private async Task AssertHoldsSourceAsync(string url)
    {
        var restored = _folder[$"restored-{Guid.NewGuid()}.db"];
        var result = await RunningProgram.RunAsync("restore", "-o", restored, url);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var source = DemoDatabase.Open(Database);
        Assert.Equal(source.HashPages(), Replica.HashOf(restored));
    }
}
