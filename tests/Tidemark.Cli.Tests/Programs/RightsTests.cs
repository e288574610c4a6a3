using System.Runtime.Versioning;
using Tidemark.Cli.Demo;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>Who may read what the program writes, under the umask that most processes have.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class RightsTests : IDisposable
{
    private const int Sigterm = 15;

    private readonly TemporaryFolder _folder = new();

    public RightsTests() => File.SetUnixFileMode(_folder.Path, (UnixFileMode)Convert.ToInt32("755", 8));

    private string Database => _folder["app.db"];

    private string Output => _folder["copy.db"];

    private string Url => $"file://{_folder["backup/app"]}";

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("600", "600", "700")]
    [InlineData("640", "640", "750")]
    [InlineData("664", "644", "755")] // Nobody but the writer may write there: who breaks the database must not break its backup.
    public async Task A_replica_may_be_read_by_who_may_read_the_database(string database, string file, string folder)
    {
        MakeDatabase();
        SetMode(Database, database);
        await ReplicateAsync();

        string[] made = [.. All(_folder["backup"])];
        Assert.Contains(made, path => path.EndsWith(".ltx", StringComparison.Ordinal));
        Assert.All(made, path => Assert.Equal((path, Directory.Exists(path) ? folder : file), (path, Mode(path))));
    }

    [Theory]
    [InlineData("600", "700")]
    [InlineData("640", "750")]
    [InlineData("664", "755")] // Nobody but the owner may write to the folder of the database either.
    public async Task A_spool_gets_the_mode_of_the_database_and_that_of_root_is_for_root_alone(string file, string folder)
    {
        MakeDatabase();
        SetMode(Database, file);
        await ReplicateAsync();

        string[] made = [.. All(_folder[".app.db-tidemark"])];
        (file, folder) = Environment.IsPrivilegedProcess ? ("600", "700") : (file, folder);
        Assert.Contains(made, path => path.EndsWith(".ltx", StringComparison.Ordinal));
        Assert.All(made.Where(path => Path.GetFileName(path) != "lock"), path
            => Assert.Equal((path, Directory.Exists(path) ? folder : file), (path, Mode(path))));
        Assert.Equal("600", Mode(_folder[".app.db-tidemark/lock"]));
    }

    [Fact]
    public async Task Spool_and_replica_belong_to_root_where_root_replicates_a_database_of_another_user()
    {
        MakeDatabase();
        await UnixTools.GiveAwayAsync(Database, 65534, 65533);
        await ReplicateAsync("-force-snapshot");
        string[] replica = [.. All(_folder["backup"])];
        string[] spool = [.. All(_folder[".app.db-tidemark"])];
        Assert.Contains(replica, path => path.EndsWith(".ltx", StringComparison.Ordinal));
        Assert.All(replica, path => Assert.Equal((path, new FileOwner(0, 65533)), (path, OwnerOf(path))));
        Assert.All(spool, path => Assert.Equal((path, new FileOwner(0, 0)), (path, OwnerOf(path))));
    }

    [Fact]
    public async Task A_followed_copy_and_the_files_beside_it_keep_the_mode_that_it_was_given()
    {
        MakeDatabase();
        await ReplicateAsync();
        PhysicalFileSystem.Instance.Open(Output, FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        SetMode(Output, "640");
        await using (var program = RunningProgram.Start("restore", "-f", "-o", Output, Url))
        {
            await program.WaitForLineAsync("Restored");
            Execute("INSERT INTO t VALUES(2)");
            await ReplicateAsync();
            await program.WaitForLineAsync("Applied changes");
            program.Signal(Sigterm);
            Assert.Equal(0, (await program.WaitAsync()).ExitCode);
        }

        Assert.All((string[])[Output, Output + "-txid", Output + "-follow"], path => Assert.Equal((path, "640"), (path, Mode(path))));
    }

    [Fact]
    public async Task An_owner_that_the_system_refuses_to_give_is_done_without_and_that_is_told_once()
    {
        MakeDatabase();
        await ReplicateAsync();
        PhysicalFileSystem.Instance.Open(Output, FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        await UnixTools.GiveAwayAsync(Output, 65534, 65533);
        var output = await UnixTools.RunShellAsync(
            ["setpriv", "--bounding-set=-chown", "--inh-caps=-chown"],
            "\"$0\" restore -force -o \"$1\" \"$2\"",
            RunningProgram.ProgramPath,
            Output,
            Url);
        Assert.Equal(2, output.Split("cannot give a file to another user: it stays root's").Length);
        Assert.Equal(new FileOwner(0, 0), OwnerOf(Output));
    }

    [Theory]
    [InlineData("-force")]
    [InlineData("-f", "-force")]
    public async Task A_pipe_as_the_output_is_an_error_and_stays(params string[] flags)
    {
        MakeDatabase();
        await ReplicateAsync();
        await UnixTools.MakePipeAsync(Output);
        var result = await RunningProgram.RunAsync(["restore", .. flags, "-o", Output, Url]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"Error: Cannot restore, output path is a named pipe and not a file: {Output}.", result.FirstErrorLine);
        Assert.Equal(FileKind.Pipe, PhysicalFileSystem.Instance.TryGetStatus(Output)!.Value.Kind);
    }

    [Fact]
    public async Task A_copy_that_is_followed_through_a_link_lies_with_all_its_files_where_the_link_leads()
    {
        MakeDatabase();
        await ReplicateAsync();
        File.CreateSymbolicLink(Output, "disk/real.db");
        await using var program = RunningProgram.Start("restore", "-f", "-o", Output, Url);
        await program.WaitForLineAsync("Restored");
        program.Signal(Sigterm);
        await program.WaitAsync();
        Assert.Equal("disk/real.db", new FileInfo(Output).LinkTarget);
        Assert.Equal(
            ["real.db", "real.db-follow", "real.db-follow.lock", "real.db-txid"],
            Directory.GetFiles(_folder["disk"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> All(string folder)
        => Directory.EnumerateFileSystemEntries(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Prepend(folder);

    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);

    private static void SetMode(string path, string digits) => File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(digits, 8));

    private static FileOwner? OwnerOf(string path) => PhysicalFileSystem.Instance.TryGetStatus(path)?.Rights?.Owner;

    private void MakeDatabase() => Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");

    private void Execute(string sql)
    {
        using var database = DemoDatabase.Open(Database);
        database.Execute(sql);
    }

    private async Task ReplicateAsync(params IEnumerable<string> flags)
    {
        var result = await RunningProgram.RunAsync(["replicate", "-once", .. flags, Database, Url]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }
}
