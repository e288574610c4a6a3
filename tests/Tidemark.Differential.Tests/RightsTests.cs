using System.Globalization;
using System.Runtime.Versioning;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Tidemark.Testing.Peers;
using Tidemark.Testing.Processes;
using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>Tidemark as a user who may not do to the database what its application does.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class RightsTests : IDisposable
{
    private const int Owner = 65534;
    private const int Guest = 65533;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder["data/app.db"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    // The folder is one in which everybody may write, so nothing but Tidemark itself keeps it from making files there.
    [Fact]
    public async Task A_database_that_this_user_may_only_read_is_refused_and_nothing_is_left_behind()
    {
        await MakeAsync();
        using var program = await StartAsGuestAsync();
        var code = await program.WaitForExitAsync(Cancelled);

        Assert.True(code == 1, program.Words);
        Assert.Equal(["app.db"], Directory.EnumerateFileSystemEntries(_folder["data"]).Select(path => Path.GetFileName(path)!));
        Assert.False(Directory.Exists(_folder["backup/app"]), "a replica was begun");
        await AssertOwnerCanWriteAsync();
    }

    [Fact]
    public async Task The_application_of_the_owner_goes_on_while_another_user_is_refused()
    {
        await MakeAsync();
        using var application = Start(Owner, RoleProcess.RolesProgram, ["application", Database, "4096"]);
        Assert.Equal("ok wal", await application.WaitForAnswerAsync(Cancelled));
        Assert.Equal("ok", await application.AskAsync($"sql {PreparedDatabases.Insert("one", 3, 100)}", Cancelled));
        using var program = await StartAsGuestAsync();
        Assert.True(await program.WaitForExitAsync(Cancelled) == 1, program.Words);

        Assert.Equal("ok", await application.AskAsync($"sql {PreparedDatabases.Insert("two", 3, 100)}", Cancelled));
        Assert.Equal("ok", await application.AskAsync("stop", Cancelled));
        await application.WaitForExitAsync(Cancelled);
        await AssertOwnerCanWriteAsync();
        Assert.Equal(["app.db"], Directory.EnumerateFileSystemEntries(_folder["data"]).Select(path => Path.GetFileName(path)!));
    }

    private static RoleProcess Start(int user, string program, IReadOnlyList<string> arguments)
    {
        var id = user.ToString(CultureInfo.InvariantCulture);
        return RoleProcess.Start("guest", "setpriv", ["--reuid", id, "--regid", id, "--clear-groups", program, .. arguments]);
    }

    private async Task<RoleProcess> StartAsGuestAsync()
    {
        var program = await ReachableProgramAsync();
        return Start(Guest, program, ["replicate", Database, $"file://{_folder["backup/app"]}"]);
    }

    private async Task MakeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can be two users.");
        SetMode(_folder.Path, "755");
        foreach (var name in (string[])["data", "backup"])
        {
            Directory.CreateDirectory(_folder[name]);
            SetMode(_folder[name], "777");
        }

        using (var application = RoleProcess.StartRole("application", Database, "4096"))
        {
            await application.WaitForAnswerAsync(Cancelled);
            await application.AskAsync($"sql {PreparedDatabases.Table}", Cancelled);
            await application.AskAsync("stop", Cancelled);
            await application.WaitForExitAsync(Cancelled);
        }

        SetMode(Database, "644");
        await UnixTools.GiveAwayAsync(Database, Owner, Owner);
    }

    private async Task AssertOwnerCanWriteAsync()
    {
        using var application = Start(Owner, RoleProcess.RolesProgram, ["application", Database, "4096"]);
        Assert.Equal("ok wal", await application.WaitForAnswerAsync(Cancelled));
        Assert.Equal("ok", await application.AskAsync($"sql {PreparedDatabases.Insert("last", 3, 100)}", Cancelled));
        Assert.Equal("ok", await application.AskAsync("stop", Cancelled));
        await application.WaitForExitAsync(Cancelled);
    }

    // Another user may not be able to enter the folder that the program was built in.
    private async Task<string> ReachableProgramAsync()
    {
        var target = _folder["program"];
        await PeerProcess.RunAsync("cp", ["-rL", Path.GetDirectoryName(Replication.Program)!, target]);
        await PeerProcess.RunAsync("chmod", ["-R", "a+rX", target]);
        return Path.Combine(target, Path.GetFileName(Replication.Program));
    }

    private static void SetMode(string path, string mode) => File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
}
