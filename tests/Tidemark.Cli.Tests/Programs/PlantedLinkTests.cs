using System.Runtime.Versioning;
using Tidemark.Cli.Demo;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>Root replicates and restores in folders of another user, who has put a link to a file of root under a name that the program
/// writes.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PlantedLinkTests : IDisposable
{
    private const int Sigterm = 15;
    private const uint Application = 65533;
    private const string Secret = "nobody else's business";

    private readonly TemporaryFolder _folder = new();

    public PlantedLinkTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Root alone has to fear links.");
        Directory.CreateDirectory(_folder["victim"]);
        File.WriteAllLines(Victim, [Secret]);
        Directory.CreateDirectory(_folder["data"]);
        Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    }

    private string Victim => _folder["victim/file.tmp"];

    private string Database => _folder["data/app.db"];

    private string Output => _folder["data/copy.db"];

    private string Url => $"file://{_folder["backup"]}";

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("position")]
    [InlineData("pages")]
    [InlineData("pages.tmp")]
    [InlineData("ancestors")]
    [InlineData("end")]
    [InlineData("lock")]
    [InlineData("lock.tmp")]
    [InlineData("ltx/0/new-0.tmp")]
    [InlineData("ltx/0/0000000000000002-0000000000000002.ltx")]
    public async Task A_link_in_the_spool_is_not_followed(string name)
    {
        await ReplicateAsync(0, 1);
        await GiveAwayAsync();
        await PlantAsync($"data/.app.db-tidemark/{name}", Victim);
        Execute("INSERT INTO t VALUES(1)");
        await ReplicateAsync(0, 1);
        AssertVictimIsWell();
    }

    [Theory]
    [InlineData("data/.app.db-tidemark")]
    [InlineData("data/.app.db-tidemark/ltx")]
    [InlineData("data/.app.db-tidemark/ltx/0")]
    [InlineData("backup/ltx")]
    [InlineData("backup/ltx/0")]
    public async Task A_link_in_the_place_of_a_folder_is_not_followed_and_the_error_names_it(string name)
    {
        await ReplicateAsync(0);
        await GiveAwayAsync();
        Directory.Delete(_folder[name], recursive: true);
        await PlantAsync(name, _folder["victim"]);
        Execute("INSERT INTO t VALUES(1)");
        var error = await ReplicateAsync(1);
        Assert.Contains(_folder[name], error, StringComparison.Ordinal);
        Assert.Contains("symbolic link", error, StringComparison.Ordinal);
        AssertVictimIsWell();
    }

    [Theory]
    [InlineData("tidemark-writer")]
    [InlineData("ltx/0/0000000000000002-0000000000000002.ltx")]
    public async Task A_link_in_the_folder_of_the_replica_is_not_followed(string name)
    {
        await ReplicateAsync(0);
        await GiveAwayAsync();
        await PlantAsync($"backup/{name}", Victim);
        Execute("INSERT INTO t VALUES(1)");
        var error = await ReplicateAsync(0, 1);
        Assert.DoesNotContain(Secret, error, StringComparison.Ordinal);
        AssertVictimIsWell();
    }

    [Theory]
    [InlineData("copy.db-wal")]
    [InlineData("copy.db-journal")]
    [InlineData(".copy.db.0123456789abcdef.tidemark-restore")]
    [InlineData(".copy.db-wal.0123456789abcdef.tidemark-old")]
    public async Task A_link_beside_the_output_of_a_restore_is_not_followed(string name)
    {
        await ReplicateAsync(0);
        await PlantAsync($"data/{name}", Victim);
        Assert.Equal(0, (await RunningProgram.RunAsync("restore", "-force", "-o", Output, Url)).ExitCode);
        Assert.Equal(["app.db", "copy.db"], Directory.GetFiles(_folder["data"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        AssertVictimIsWell();
    }

    [Fact]
    public async Task A_link_of_another_user_in_the_place_of_the_output_is_refused()
    {
        await ReplicateAsync(0);
        await PlantAsync("data/copy.db", Victim);
        var result = await RunningProgram.RunAsync("restore", "-force", "-o", Output, Url);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"is a symbolic link of user {Application} to what is not that user's", result.Error, StringComparison.Ordinal);
        AssertVictimIsWell();
    }

    [Theory]
    [InlineData("copy.db-txid")]
    [InlineData("copy.db-txid.tmp")]
    [InlineData("copy.db-follow")]
    [InlineData("copy.db-follow.tmp")]
    [InlineData("copy.db-follow.lock")]
    [InlineData("copy.db-follow.lock.tmp")]
    public async Task A_link_beside_a_followed_copy_is_not_followed(string name)
    {
        await ReplicateAsync(0);
        await PlantAsync($"data/{name}", Victim);
        await using var program = RunningProgram.Start("restore", "-f", "-force", "-o", Output, Url);
        await program.WaitForLineAsync("Restored", "level=ERROR", "level=WARN");
        program.Signal(Sigterm);
        await program.WaitAsync();
        AssertVictimIsWell();
    }

    [Fact]
    public async Task A_spool_that_the_application_s_user_has_made_goes_on_under_root_and_then_under_him_again()
    {
        Directory.CreateDirectory(_folder["backup"]);
        await GiveAwayAsync();
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        var asApplication = UnixTools.AsUser(Application);
        Assert.Equal("0\n", await RunAsync(asApplication));
        Execute("INSERT INTO t VALUES(1)");
        Assert.Equal("0\n", await RunAsync([]));
        await GiveAwayAsync(); // The replica: what root writes there stays root's.
        Execute("INSERT INTO t VALUES(2)");
        Assert.Equal("0\n", await RunAsync(asApplication));
    }

    private Task<string> PlantAsync(string name, string target) => UnixTools.RunShellAsync(
        [], $"ln -sfn \"$0\" \"$1\" && chown -h {Application} \"$1\"", target, _folder[name]);

    private Task<string> GiveAwayAsync() => UnixTools.RunShellAsync(
        [], $"chown -R {Application}:{Application} \"$0\" \"$1\"", _folder["data"], _folder["backup"]);

    private async Task<string> ReplicateAsync(params int[] exitCodes)
    {
        var result = await RunningProgram.RunAsync("replicate", "-once", Database, Url);
        Assert.Contains(result.ExitCode, exitCodes);
        return result.Error + result.Output;
    }

    private Task<string> RunAsync(IReadOnlyList<string> under) => UnixTools.RunShellAsync(
        under, "\"$0\" replicate -once -log-level error \"$1\" \"$2\" 2>&1; echo $?", RunningProgram.ProgramPath, Database, Url);

    private void AssertVictimIsWell()
    {
        Assert.Equal([Victim], Directory.GetFileSystemEntries(_folder["victim"]));
        Assert.Equal([Secret], File.ReadAllLines(Victim));
        Assert.Equal(new FileOwner(0, 0), PhysicalFileSystem.Instance.TryGetStatus(Victim)!.Value.Rights!.Value.Owner);
    }

    private void Execute(string sql)
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute(sql);
    }
}
