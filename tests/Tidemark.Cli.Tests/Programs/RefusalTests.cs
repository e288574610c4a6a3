using System.Buffers.Binary;
using System.Runtime.Versioning;
using Tidemark.Cli.Demo;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>Databases that are refused, beside which nothing may be left: users, links and mounts of the system as it is.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class RefusalTests : IDisposable
{
    private const uint Application = 65533;
    private const uint Nobody = 65534;

    private readonly TemporaryFolder _folder = new();

    public RefusalTests()
    {
        File.SetUnixFileMode(_folder.Path, Mode("755"));
        Directory.CreateDirectory(_folder["data"]);
        File.SetUnixFileMode(_folder["data"], Mode("777"));
        using var database = DemoDatabase.Open(Database);
        database.Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    }

    private string Database => _folder["data/app.db"];

    private string Url => $"file://{_folder["backup"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_database_that_another_user_may_only_read_is_left_as_it_is()
    {
        await GiveToApplicationAsync("644");
        AssertRefused("this user may not write the database", await RunAsync(UnixTools.AsUser(Nobody)));
        AssertRefused("Run Tidemark as user 65533", await RunAsync(UnixTools.AsUser(Nobody)));
        Assert.Equal("0\n", await RunAsync(UnixTools.AsUser(Application)));
    }

    [Fact]
    public async Task A_database_whose_owner_could_not_write_the_wal_of_this_user_is_left_as_it_is()
    {
        await GiveToApplicationAsync("660");
        AssertRefused(
            "a -wal that this user (65534) creates could not be written by user 65533", await RunAsync(UnixTools.AsUser(Nobody, Application)));
        File.SetUnixFileMode(Database, Mode("666"));
        Assert.Equal("0\n", await RunAsync(UnixTools.AsUser(Nobody)));
    }

    [Fact]
    public async Task A_wal_that_this_user_may_not_write_keeps_the_database_from_being_opened()
    {
        await GiveToApplicationAsync("666");
        foreach (var ending in (string[])["-wal", "-shm"])
        {
            PhysicalFileSystem.Instance.Open(Database + ending, FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
            File.SetUnixFileMode(Database + ending, Mode("644"));
        }

        Assert.Contains("may not write the -wal or the -shm that is there", await RunAsync(UnixTools.AsUser(Nobody)), StringComparison.Ordinal);
        Assert.Equal(["app.db", "app.db-shm", "app.db-wal"], Beside());
    }

    [Fact]
    public async Task A_database_with_a_second_name_is_refused_until_that_is_gone()
    {
        await GiveSecondNameAsync();
        Assert.Contains("the file has 2 names (hard links)", await RunAsync(), StringComparison.Ordinal);
        Assert.Equal(["app.db", "app.db.second"], Beside());
        Assert.False(Directory.Exists(_folder["backup"]));
        File.Delete(Database + ".second");
        Assert.Equal("0\n", await RunAsync());
    }

    [Fact]
    public async Task A_database_behind_a_symbolic_link_is_taken_and_one_with_a_second_name_behind_it_is_not()
    {
        File.CreateSymbolicLink(_folder["link.db"], Database);
        Assert.Equal("0\n", await RunAsync([], _folder["link.db"]));
        await GiveSecondNameAsync();
        Assert.Contains("the file has 2 names (hard links)", await RunAsync([], _folder["link.db"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipe_is_refused_at_once()
    {
        await UnixTools.MakePipeAsync(_folder["pipe"]);
        Assert.Contains("this is no file, but a named pipe", await RunAsync([], _folder["pipe"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data/app.db", "the file alone is mounted at")] // In whose folder its first -wal lies,
    [InlineData("other place/copy.db", "the file alone is mounted here")] // and where its second one does.
    public async Task A_file_that_is_mounted_by_itself_is_refused(string path, string why)
    {
        MakePlace("other place/copy.db");
        var output = await RunWithMountAsync("mount --bind data/app.db 'other place/copy.db'", path);
        AssertRefused(why, output);
        Assert.Equal(["copy.db"], Directory.GetFileSystemEntries(_folder["other place"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_file_on_a_disk_that_is_mounted_read_only_is_refused()
    {
        Directory.CreateDirectory(_folder["disk"]);
        Directory.CreateDirectory(_folder["spool"]);
        await File.WriteAllTextAsync(
            _folder["config.yml"],
            $"dbs: [{{path: {_folder["disk/app.db"]}, meta-path: {_folder["spool"]}, replica: {{path: {_folder["backup"]}}}}}]",
            TestContext.Current.CancellationToken);
        AssertRefused(
            "the disk is mounted read-only",
            await RunScriptAsync(
                ["unshare", "--mount", "--propagation", "private"],
                "cd \"$2\"; mount --bind data disk; mount -o remount,bind,ro disk; \"$0\" replicate -once -log-level error -config config.yml 2>&1; echo $?"));
    }

    [Theory]
    [InlineData("mount --bind data disk")]
    [InlineData("mount -t tmpfs none disk; cp -p data/app.db disk")]
    [InlineData("mkdir up work; mount -t overlay -o lowerdir=data,upperdir=up,workdir=work none disk")]
    [InlineData("mount --bind data/app.db disk/app.db; mount --bind data disk")] // Which covers that of the file.
    public async Task A_file_in_a_folder_that_is_mounted_is_taken(string mount)
    {
        MakePlace("disk/app.db");
        Assert.Equal("0\n", await RunWithMountAsync(mount, "disk/app.db"));
    }

    [Theory]
    [InlineData(3_045_001, true)]
    [InlineData(3_051_003, false)]
    public async Task A_database_whose_last_writer_has_the_wal_reset_bug_is_warned_about_once(int writer, bool isWarnedAbout)
    {
        using (var file = PhysicalFileSystem.Instance.Open(Database, FileMode.Open, FileAccess.ReadWrite))
        {
            var version = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(version, writer);
            file.Write(96, version);
        }

        var result = await RunningProgram.RunAsync("replicate", "-once", Database, Url);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(isWarnedAbout ? 2 : 1, result.Output.Split("was last written by SQLite 3.45.1, which has the WAL-reset bug").Length);
    }

    private static UnixFileMode Mode(string digits) => (UnixFileMode)Convert.ToInt32(digits, 8);

    private void MakePlace(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        PhysicalFileSystem.Instance.Open(_folder[name], FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
    }

    private async Task GiveToApplicationAsync(string mode)
    {
        await UnixTools.GiveAwayAsync(Database, Application, Application);
        File.SetUnixFileMode(Database, Mode(mode));
        Directory.CreateDirectory(_folder["backup"]);
        File.SetUnixFileMode(_folder["backup"], Mode("777"));
    }

    private void AssertRefused(string why, string output)
    {
        Assert.EndsWith("1\n", output, StringComparison.Ordinal);
        Assert.Contains(why, output, StringComparison.Ordinal);
        Assert.Equal(["app.db"], Beside());
        Assert.False(Directory.Exists(_folder["backup/ltx"]));
    }

    private IEnumerable<string?> Beside()
        => Directory.GetFileSystemEntries(_folder["data"]).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private Task<string> GiveSecondNameAsync() => RunScriptAsync([], "ln \"$1\" \"$1.second\"");

    private Task<string> RunWithMountAsync(string mount, string path)
        => RunScriptAsync(
            ["unshare", "--mount", "--propagation", "private"],
            $"cd \"$2\" && {mount} && \"$0\" replicate -once -log-level error '{path}' \"$3\" 2>&1; echo $?");

    private Task<string> RunAsync(params IReadOnlyList<string> under) => RunAsync(under, Database);

    // What went wrong, and how the program ended.
    private Task<string> RunAsync(IReadOnlyList<string> under, string path)
        => RunScriptAsync(under, $"\"$0\" replicate -once -log-level error '{path}' \"$3\" 2>&1; echo $?");

    private async Task<string> RunScriptAsync(IReadOnlyList<string> under, string script)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Other users and mounts need root.");
        return await UnixTools.RunShellAsync(under, script, RunningProgram.ProgramPath, Database, _folder.Path, Url);
    }
}
