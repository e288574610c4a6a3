using System.Text.Json;
using Tidemark.Testing;
using Tidemark.Testing.Databases;

namespace Tidemark.Cli.Tests.Programs;

public sealed class VerifyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Url => $"file://{_folder["replica"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_whole_replica_is_sound()
    {
        await ReplicateAsync();

        var result = await RunningProgram.RunAsync("verify", Url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.StartsWith($"{Url}\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("the latest state: TXID 0000000000000003", result.Output, StringComparison.Ordinal);
        Assert.Contains("proven\n", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("sound: everything that was asked for holds\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_of_the_original_is_sound_and_every_snapshot_passes_the_full_check()
    {
        var temporary = _folder["tmp"];
        Directory.CreateDirectory(temporary);
        var result = await RunningProgram.RunAsync(
            new Dictionary<string, string> { ["TMPDIR"] = temporary }, ["verify", "-all", "-full", "-json", Replica.Url]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Output);
        var replica = json.RootElement[0];
        Assert.True(replica.GetProperty("ok").GetBoolean());
        Assert.Equal(4, replica.GetProperty("states").GetArrayLength());
        Assert.All(replica.GetProperty("states").EnumerateArray(), state => Assert.True(state.GetProperty("ok").GetBoolean()));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary));
    }

    [Fact]
    public async Task A_temporary_folder_that_cannot_be_made_is_named_with_the_variable_that_says_where()
    {
        var nowhere = _folder["nowhere"];
        var result = await RunningProgram.RunAsync(
            new Dictionary<string, string> { ["TMPDIR"] = nowhere }, ["verify", "-full", Replica.Url]);
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith($"Error: cannot make a temporary folder in {nowhere}", result.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("TMPDIR", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_file_is_named_with_what_can_still_be_restored()
    {
        await ReplicateAsync();
        var file = Path.Combine(_folder["replica"], "ltx/0/0000000000000003-0000000000000003.ltx");
        Damage(file);

        var text = await RunningProgram.RunAsync("verify", Url);
        Assert.Equal(1, text.ExitCode);
        Assert.Contains("PROBLEM: ", text.Output, StringComparison.Ordinal);
        Assert.Contains("0/0000000000000003-0000000000000003.ltx", text.Output, StringComparison.Ordinal);
        Assert.Contains("to   TXID 0000000000000002", text.Output, StringComparison.Ordinal);

        var result = await RunningProgram.RunAsync("verify", "-json", Url);
        Assert.Equal(1, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.False(json.RootElement[0].GetProperty("ok").GetBoolean());
        Assert.Equal("0000000000000002", json.RootElement[0].GetProperty("newest").GetProperty("txid").GetString());
    }

    [Fact]
    public async Task A_damaged_file_that_others_stand_in_for_leaves_every_state_restorable()
    {
        await ReplicateAsync("-force-snapshot");
        Damage(Path.Combine(_folder["replica"], "ltx/9/0000000000000001-0000000000000003.ltx"));

        var result = await RunningProgram.RunAsync("verify", Url);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("to   TXID 0000000000000003", result.Output, StringComparison.Ordinal);
        Assert.Contains("the latest state: TXID 0000000000000003", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("NOT SOUND: 1 problem\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_only_the_application_could_check_is_neither_damage_nor_sound()
    {
        using (var source = SourceDatabase.Open(_folder["app.db"]))
        {
            source.CreateTable();
            source.AddCollation("german");
            source.Run("CREATE TABLE own(name TEXT COLLATE german UNIQUE)");
            source.Run("INSERT INTO own VALUES('b'), ('a'), ('C')");
            Assert.Equal(0, (await RunningProgram.RunAsync("replicate", "-once", _folder["app.db"], Url)).ExitCode);
        }

        const string Missing = "table own (no such collation sequence: german, for index sqlite_autoindex_own_1)";
        var text = await RunningProgram.RunAsync("verify", "-full", Url);
        Assert.Equal((2, ""), (text.ExitCode, text.Error));
        Assert.Contains($"not checked: {Missing}\n", text.Output, StringComparison.Ordinal);
        Assert.EndsWith("NOT ALL CHECKED: nothing wrong was found in the rest\n", text.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunningProgram.RunAsync("verify", Url)).ExitCode);

        var result = await RunningProgram.RunAsync("verify", "-full", "-json", Url);
        using (var json = JsonDocument.Parse(result.Output))
        {
            Assert.False(json.RootElement[0].GetProperty("ok").GetBoolean());
            Assert.Empty(json.RootElement[0].GetProperty("problems").EnumerateArray());
            Assert.Equal([Missing], json.RootElement[0].GetProperty("states")[0].GetProperty("unchecked").EnumerateArray().Select(what => what.GetString()));
        }

        var restored = await RunningProgram.RunAsync("restore", "-json", "-integrity-check", "full", "-o", _folder["out.db"], Url);
        Assert.Equal(0, restored.ExitCode);
        Assert.Contains($"which is no damage: {Missing}", restored.Error, StringComparison.Ordinal);
        using (var json = JsonDocument.Parse(restored.Output))
        {
            Assert.Equal([Missing], json.RootElement.GetProperty("unchecked").EnumerateArray().Select(what => what.GetString()));
        }
    }

    [Fact]
    public async Task A_txid_and_a_moment_are_checked_as_restore_would_take_them()
    {
        Assert.Equal(0, (await RunningProgram.RunAsync("verify", "-txid", "0000000000000005", Replica.Url)).ExitCode);
        Assert.Equal(0, (await RunningProgram.RunAsync("verify", "-timestamp", "2100-01-01", Replica.Url)).ExitCode);

        var missing = await RunningProgram.RunAsync("verify", "-txid", "00000000000000ff", Replica.Url);
        Assert.Equal(1, missing.ExitCode);
        Assert.Contains("The newest state that can be restored is TXID", missing.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await RunningProgram.RunAsync("verify", "-timestamp", "2001-01-01", Replica.Url)).ExitCode);
    }

    [Fact]
    public async Task Every_destination_of_a_database_is_checked()
    {
        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $"dbs: [{{path: '{_folder["app.db"]}', replicas: [{{url: '{Replica.Url}'}}, {{path: '{_folder["empty"]}'}}]}}]",
            TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("verify", "-config", config, _folder["app.db"]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("sound: everything", result.Output, StringComparison.Ordinal);
        Assert.Contains("NOT SOUND: 1 problem\n", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_replica_of_litestream_0_3_is_sound(bool isFull)
    {
        LegacyReplica.CopyTo(_folder);

        var result = await RunningProgram.RunAsync("verify", $"-full={(isFull ? "true" : "false")}", Url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.StartsWith($"{Url} (Litestream 0.3)\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("the latest state: generation 77c825ee57b67835, written at ", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("sound: everything that was asked for holds\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await RunningProgram.RunAsync("verify", "-txid", "0000000000000001", Url)).ExitCode);
    }

    [Fact]
    public async Task Damage_of_files_of_litestream_0_3_is_found_with_what_is_left()
    {
        LegacyReplica.CopyTo(_folder);
        var whole = await VerifyAsJsonAsync(0);
        Damage(_folder[$"replica/{LegacyReplica.NewestFile}"]);

        var damaged = await VerifyAsJsonAsync(1);

        Assert.Equal(("v0.3", "v0.3"), (whole.GetProperty("format").GetString(), damaged.GetProperty("format").GetString()));
        Assert.Equal((true, false), (whole.GetProperty("ok").GetBoolean(), damaged.GetProperty("ok").GetBoolean()));
        Assert.Contains(
            damaged.GetProperty("problems").EnumerateArray(), problem => problem.GetProperty("file").GetString() == LegacyReplica.NewestFile);
        Assert.False(damaged.GetProperty("states")[0].GetProperty("ok").GetBoolean());
        Assert.Equal(
            whole.GetProperty("restorable_states").GetInt32() - 1, damaged.GetProperty("restorable_states").GetInt32());
        Assert.Equal(2, whole.GetProperty("generations").GetArrayLength());
    }

    [Fact]
    public async Task A_hole_in_a_replica_of_litestream_0_3_is_found_also_where_the_latest_state_does_not_need_it()
    {
        LegacyReplica.CopyTo(_folder);
        var older = Directory.EnumerateFiles(_folder["replica/generations/15f280c939fb1b10/wal"]).Order(StringComparer.Ordinal).ToArray();
        File.Delete(older[0]);

        var result = await VerifyAsJsonAsync(1);

        Assert.True(result.GetProperty("states")[0].GetProperty("ok").GetBoolean());
        Assert.Contains(
            result.GetProperty("problems").EnumerateArray(),
            problem => problem.GetProperty("message").GetString()!.Contains("15f280c939fb1b10 has a hole", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_of_litestream_0_3_beside_others_are_checked_too()
    {
        LegacyReplica.CopyTo(_folder);
        await ReplicateAsync();
        var result = await RunningProgram.RunAsync("verify", Url);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("the latest state: TXID 0000000000000003", result.Output, StringComparison.Ordinal);
        Assert.Contains("the latest state: generation 77c825ee57b67835", result.Output, StringComparison.Ordinal);

        Damage(_folder[$"replica/{LegacyReplica.NewestFile}"]);
        Assert.Equal(1, (await RunningProgram.RunAsync("verify", Url)).ExitCode);
    }

    [Fact]
    public async Task A_destination_that_is_behind_is_told_of_with_whether_it_is_of_the_same_history()
    {
        await ReplicateAsync();
        TemporaryFolder.Copy(_folder["replica"], _folder["behind"]);
        File.Delete(_folder["behind/ltx/0/0000000000000003-0000000000000003.ltx"]);
        var config = _folder["tidemark.yml"];
        await File.WriteAllTextAsync(
            config,
            $"dbs: [{{path: '{_folder["app.db"]}', replicas: [{{path: '{_folder["behind"]}'}}, {{path: '{_folder["replica"]}'}}]}}]",
            TestContext.Current.CancellationToken);

        var result = await RunningProgram.RunAsync("verify", "-config", config, _folder["app.db"]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains($"note: file://{_folder["behind"]} is behind: it ends at TXID 0000000000000002", result.Output, StringComparison.Ordinal);
        Assert.Contains("and it has that state too, as the checksums prove.", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_state_that_cannot_be_restored_is_among_the_problems_of_the_json()
    {
        var result = await RunningProgram.RunAsync("verify", "-json", "-txid", "00000000000000ff", Replica.Url);

        using var json = JsonDocument.Parse(result.Output);
        Assert.False(json.RootElement[0].GetProperty("ok").GetBoolean());
        var problem = Assert.Single(json.RootElement[0].GetProperty("problems").EnumerateArray());
        Assert.StartsWith(
            "TXID 00000000000000ff cannot be restored. No backup leads", problem.GetProperty("message").GetString(),
            StringComparison.Ordinal);
    }

    private async Task<JsonElement> VerifyAsJsonAsync(int exitCode)
    {
        var result = await RunningProgram.RunAsync("verify", "-json", Url);
        Assert.Equal((exitCode, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Output);
        return json.RootElement[0].Clone();
    }

    private async Task ReplicateAsync(params string[] flags)
    {
        using var source = SourceDatabase.Open(_folder["app.db"]);
        source.CreateTable();
        for (var i = 0; i < 3; i++)
        {
            source.Insert(rows: 50);
            Assert.Equal(0, (await RunningProgram.RunAsync(["replicate", "-once", .. flags, _folder["app.db"], Url])).ExitCode);
        }
    }

    private static void Damage(string path)
    {
#pragma warning disable RS0030 // A plain file that nobody else uses.
        var content = File.ReadAllBytes(path);
        content[content.Length / 2] ^= 1;
        File.WriteAllBytes(path, content);
#pragma warning restore RS0030
    }
}
