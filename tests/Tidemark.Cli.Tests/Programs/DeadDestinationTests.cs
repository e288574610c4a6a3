using Tidemark.Cli.Demo;
using Tidemark.Replicas.Files;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>One database with two destinations, of which one is away for a while: a file lies where its folder was, or nothing.</summary>
public sealed class DeadDestinationTests : IDisposable
{
    private const int Sigterm = 15;
    private const string SpoolIsFull = "held more than";

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["app.db"];

    private string HereUrl => $"file://{_folder["here"]}";

    private string AwayUrl => $"file://{_folder["away"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_destination_that_is_away_holds_back_no_other_and_catches_up_from_the_spool()
    {
        await BeginAsync();
        await using var program = Start("");
        await program.WaitForLineAsync("Replicating");
        TakeAway();

        Write();
        await program.WaitForLineAsync($"Cannot ship {Database} to {AwayUrl}");
        for (var i = 0; i < 3; i++)
        {
            Write();
            await WaitUntilHereAsync(program);
        }

        BringBack();
        await program.WaitForLineAsync(ShippedTo(AwayUrl));
        await AssertStopsCompleteAsync(program);

        Assert.All(Directory.EnumerateFiles(_folder["away/ltx/0"]), path => Assert.True(IsSingleCapture(path), path));
    }

    [Fact]
    public async Task A_destination_that_is_away_for_longer_than_the_spool_lasts_goes_on_from_an_image()
    {
        await BeginAsync();
        await using var program = Start("max-spool-bytes: 1");
        await program.WaitForLineAsync("Replicating");
        TakeAway();

        // Each time all pages change; the spool holds as many bytes as twice the database.
        var isFull = false;
        while (!isFull)
        {
            Write();
            isFull = (await program.WaitForLineAsync(SpoolIsFull, ShippedTo(HereUrl))).Contains(SpoolIsFull, StringComparison.Ordinal);
        }

        await WaitUntilHereAsync(program);
        BringBack();
        await program.WaitForLineAsync("Wrote all pages of");
        await program.WaitForLineAsync(ShippedTo(AwayUrl));
        await AssertStopsCompleteAsync(program);

        Assert.Contains(Directory.EnumerateFiles(_folder["away/ltx/0"]), path => !IsSingleCapture(path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_end_without_one_destination_says_what_it_lacks_and_the_next_start_ships_it(bool isCutShort)
    {
        await BeginAsync();
        await using (var program = Start("", isCutShort ? "shutdown-sync-timeout: 10m" : "shutdown-sync-timeout: 0s"))
        {
            Write();
            await program.WaitForLineAsync(ShippedTo(AwayUrl));
            TakeAway(leavesFile: !isCutShort); // A disk may be mounted again by itself; what lies in the way does not go away.
            Write();
            await program.WaitForLineAsync($"Cannot ship {Database} to {AwayUrl}");
            program.Signal(Sigterm);
            if (isCutShort)
            {
                await program.WaitForLineAsync("Stopping");
                await program.WaitForLineAsync("Cannot ship"); // The last upload is being tried.
                await program.SignalUntilEndAsync(Sigterm); // The first of these may still pass for an echo.
            }

            var result = await program.WaitAsync();

            Assert.Equal(1, result.ExitCode);
            Assert.Equal("Error: Not everything was captured and shipped before the end.", result.FirstErrorLine);
            Assert.Contains($"Stopped with captures of {Database} that {AwayUrl} does not have", result.Output, StringComparison.Ordinal);
            Assert.DoesNotContain($"that {HereUrl} does not have", result.Output, StringComparison.Ordinal);
        }

        await AssertRestoredEqualsSourceAsync(HereUrl);
        BringBack();
        await using var next = Start("");
        await next.WaitForLineAsync(ShippedTo(AwayUrl));
        await AssertStopsCompleteAsync(next);
    }

    private static string ShippedTo(string url) => $" to {url}: ";

    private static bool IsSingleCapture(string path)
        => Path.GetFileNameWithoutExtension(path).Split('-') is [var first, var last] && first == last;

    private RunningProgram Start(string ofDatabase, string ofAll = "")
    {
        var config = _folder["tidemark.yml"];
        using (var writer = new StreamWriter(config))
        {
            writer.Write(
                $$"""
                {{ofAll}}
                dbs:
                  - path: {{Database}}
                    {{ofDatabase}}
                    replicas:
                      - {path: {{_folder["here"]}}, sync-interval: 20ms}
                      - {path: {{_folder["away"]}}, sync-interval: 20ms}

                """);
        }

        return RunningProgram.Start("replicate", "-log-level", "debug", "-config", config);
    }

    // Both destinations begin with the same captures.
    private async Task BeginAsync()
    {
        using (var database = DemoDatabase.Open(Database))
        {
            database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
            database.Execute("INSERT INTO t VALUES(1, randomblob(20000)), (2, randomblob(20000))");
        }

        var result = await RunningProgram.RunAsync("replicate", "-once", Database, HereUrl, AwayUrl);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    private void Write()
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute("UPDATE t SET payload = randomblob(20000)");
    }

    private void TakeAway(bool leavesFile = true)
    {
        Directory.Move(_folder["away"], _folder["unplugged"]);
        if (leavesFile)
        {
            PhysicalFileSystem.Instance.Open(_folder["away"], FileMode.CreateNew, FileAccess.Write).Dispose();
        }
    }

    private void BringBack()
    {
        File.Delete(_folder["away"]);
        Directory.Move(_folder["unplugged"], _folder["away"]);
    }

    private async Task WaitUntilHereAsync(RunningProgram program)
    {
        while (await RestoredHashAsync(HereUrl) != SourceHash())
        {
            await program.WaitForLineAsync(ShippedTo(HereUrl));
        }
    }

    private async Task AssertStopsCompleteAsync(RunningProgram program)
    {
        program.Signal(Sigterm);
        var result = await program.WaitAsync();
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        await AssertRestoredEqualsSourceAsync(HereUrl);
        await AssertRestoredEqualsSourceAsync(AwayUrl);
    }

    private async Task AssertRestoredEqualsSourceAsync(string url) => Assert.Equal(SourceHash(), await RestoredHashAsync(url));

    private string SourceHash()
    {
        using var source = DemoDatabase.Open(Database);
        return source.HashPages();
    }

    private async Task<string> RestoredHashAsync(string url)
    {
        var restored = _folder["restored.db"];
        var result = await RunningProgram.RunAsync("restore", "-force", "-o", restored, url);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return Replica.HashOf(restored);
    }
}
