using System.Text.Json;
using Tidemark.Testing;
using Tidemark.Testing.Databases;

namespace Tidemark.Cli.Tests.Programs;

public sealed class LegacyRestoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public LegacyRestoreTests() => LegacyReplica.CopyTo(_folder);

    private string Output => _folder["out.db"];

    private string Url => $"file://{_folder["replica"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_replica_of_litestream_0_3_is_restored_without_being_asked_for()
    {
        var result = await RunningProgram.RunAsync("restore", "-json", "-o", Output, Url);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(LegacyReplica.Hash, Replica.HashOf(Output));
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal("v0.3", json.RootElement.GetProperty("format").GetString());
        Assert.Equal("", json.RootElement.GetProperty("txid").GetString());
        Assert.Equal("full", json.RootElement.GetProperty("integrity_check").GetString());
        Assert.Contains("generation 77c825ee57b67835", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_plan_tells_of_the_generation_and_its_files()
    {
        var text = await RunningProgram.RunAsync("restore", "-dry-run", "-o", Output, Url);
        Assert.Equal((0, ""), (text.ExitCode, text.Error));
        Assert.Contains("state: v0.3 generation 77c825ee57b67835, WAL index 00000003", text.Output, StringComparison.Ordinal);

        var result = await RunningProgram.RunAsync("restore", "-dry-run", "-json", "-timestamp", LegacyReplica.Moment, "-o", Output, Url);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal("15f280c939fb1b10", json.RootElement.GetProperty("generation").GetString());
        var first = json.RootElement.GetProperty("files")[0].GetProperty("name").GetString();
        Assert.EndsWith(".snapshot.lz4", first, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public async Task A_txid_is_refused_with_what_to_do_instead()
    {
        var result = await RunningProgram.RunAsync("restore", "-txid", "0000000000000001", "-o", Output, Url);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Hint: Use -timestamp", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_is_an_error_whose_hint_can_be_followed()
    {
#pragma warning disable RS0030 // A plain file that nobody else uses.
        File.WriteAllBytes(_folder[$"replica/{LegacyReplica.NewestFile}"], [1, 2, 3]);
#pragma warning restore RS0030

        var result = await RunningProgram.RunAsync("restore", "-o", Output, Url);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(LegacyReplica.NewestFile, result.FirstErrorLine, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
        var words = result.Error.Split(' ');
        var moment = words[Array.IndexOf(words, "-timestamp") + 1].TrimEnd(':');
        Assert.Equal(0, (await RunningProgram.RunAsync("restore", "-timestamp", moment, "-o", Output, Url)).ExitCode);
    }

    [Fact]
    public async Task A_database_that_only_its_application_could_check_is_restored_with_a_warning()
    {
        Directory.Delete(_folder["replica"], recursive: true);
        using (var source = SourceDatabase.Open(_folder["app.db"], journalMode: "delete"))
        {
            source.AddCollation("german");
            source.Run("CREATE TABLE own(name TEXT COLLATE german UNIQUE)");
            source.Run("INSERT INTO own VALUES('b'), ('a'), ('C')");
            LegacyReplica.Create(_folder, source.Serialize());
        }

        var result = await RunningProgram.RunAsync("restore", "-o", Output, Url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("which is no damage: table own (no such collation sequence: german", result.Output, StringComparison.Ordinal);
        Assert.Equal(Replica.HashOf(_folder["app.db"]), Replica.HashOf(Output));
    }

    [Fact]
    public async Task Of_two_formats_the_one_with_the_newest_state_is_restored_and_a_message_says_so()
    {
        var database = _folder["app.db"];
        using (var source = SourceDatabase.Open(database))
        {
            source.CreateTable();
        }

        Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", database, Url)).ExitCode);

        // LTX files are younger than the fixture or older, depending on the clock of this machine; so each is made the newest in turn.
        foreach (var (seconds, format) in ((int, string)[])[(-1, "ltx"), (1, "v0.3")])
        {
            var ltx = Directory.EnumerateFiles(_folder["replica/ltx"], "*.ltx", SearchOption.AllDirectories).Max(File.GetLastWriteTimeUtc);
            File.SetLastWriteTimeUtc(_folder[$"replica/{LegacyReplica.NewestFile}"], ltx.AddSeconds(seconds));
            foreach (var file in Directory.EnumerateFiles(_folder["replica/generations"], "*.lz4", SearchOption.AllDirectories)
                .Where(file => File.GetLastWriteTimeUtc(file) > ltx && !file.EndsWith(LegacyReplica.NewestFile, StringComparison.Ordinal)))
            {
                File.SetLastWriteTimeUtc(file, ltx.AddSeconds(-2));
            }

            var result = await RunningProgram.RunAsync("restore", "-json", "-force", "-o", Output, Url);
            Assert.Equal(0, result.ExitCode);
            using var json = JsonDocument.Parse(result.Output);
            Assert.Equal(format, json.RootElement.GetProperty("format").GetString());
            Assert.Contains($"is in the format {format}", result.Error, StringComparison.Ordinal);
        }
    }
}
