using System.Runtime.Versioning;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>What a restore makes of rights, links, and what is no file, on the real disk.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class OutputPlaceTests : IDisposable
{
    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode ForGroup = Secret | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly History _history = new History(512).CaptureAtRandom(seed: 31, captures: 2, pagesMax: 9);
    private readonly TemporaryFolder _folder = new();

    public OutputPlaceTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has other rights, links and pipes.");

    private static PhysicalFileSystem Files => PhysicalFileSystem.Instance;

    private string Output => _folder["out.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_new_database_and_new_folders_above_it_are_for_this_user_alone()
    {
        await RestoreAsync(_folder["new/deep/out.db"]);
        Assert.Equal(Secret, File.GetUnixFileMode(_folder["new/deep/out.db"]));
        Assert.Equal(Secret | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder["new"]));
        Assert.Equal(Secret | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder["new/deep"]));
    }

    [Theory]
    [InlineData(Secret)]
    [InlineData(ForGroup)]
    [InlineData(ForGroup | UnixFileMode.OtherRead)]
    public async Task A_replaced_database_keeps_its_mode_from_the_first_byte_on(UnixFileMode mode)
    {
        Write(Output, [1, 2, 3]);
        File.SetUnixFileMode(Output, mode);
        var temporaryMode = UnixFileMode.None;
        await RestoreAsync(Output, overwrite: true, temporary => temporaryMode = File.GetUnixFileMode(temporary));
        Assert.Equal(mode, temporaryMode);
        Assert.Equal(mode, File.GetUnixFileMode(Output));
        AssertRestored(Output);
    }

    [Fact]
    public async Task A_replaced_database_keeps_its_owner_where_root_replaces_it()
    {
        Write(Output, [1, 2, 3]);
        await UnixTools.GiveAwayAsync(Output, 65534, 65533);
        await RestoreAsync(Output, overwrite: true);
        Assert.Equal(new FileOwner(65534, 65533), Files.TryGetStatus(Output)!.Value.Rights!.Value.Owner);
    }

    [Fact]
    public async Task An_empty_file_says_which_rights_the_database_gets()
    {
        Write(Output, []);
        File.SetUnixFileMode(Output, ForGroup);
        await RestoreAsync(Output);
        Assert.Equal(ForGroup, File.GetUnixFileMode(Output));
        AssertRestored(Output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pipe_is_refused_and_stays(bool overwrite)
    {
        await UnixTools.MakePipeAsync(Output);
        var failure = await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync(Output, overwrite));
        Assert.Equal($"Cannot restore, output path is a named pipe and not a file: {Output}.", failure.Message);
        Assert.Equal(FileKind.Pipe, Files.TryGetStatus(Output)!.Value.Kind);
        Assert.Equal([Output], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task A_link_to_a_pipe_is_refused_too()
    {
        await UnixTools.MakePipeAsync(_folder["pipe"]);
        File.CreateSymbolicLink(Output, "pipe");
        await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync(Output, overwrite: true));
        Assert.Equal("pipe", new FileInfo(Output).LinkTarget);
    }

    [Fact]
    public async Task A_link_stays_and_what_it_leads_to_is_replaced_with_its_wal()
    {
        Files.CreateDirectory(_folder["real"]);
        Write(_folder["real/app.db"], [1, 2, 3]);
        Write(_folder["real/app.db-wal"], [4]);
        File.SetUnixFileMode(_folder["real/app.db"], ForGroup);
        File.CreateSymbolicLink(_folder["middle.db"], _folder["real/app.db"]);
        File.CreateSymbolicLink(Output, "middle.db");

        var failure = await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync(Output));
        Assert.Contains(_folder["real/app.db"], failure.Message, StringComparison.Ordinal);
        await RestoreAsync(Output, overwrite: true);

        Assert.Equal("middle.db", new FileInfo(Output).LinkTarget);
        Assert.Equal([_folder["real/app.db"]], Directory.GetFileSystemEntries(_folder["real"]));
        Assert.Equal(ForGroup, File.GetUnixFileMode(_folder["real/app.db"]));
        AssertRestored(_folder["real/app.db"]);
    }

    [Fact]
    public async Task What_a_dangling_link_leads_to_is_created()
    {
        File.CreateSymbolicLink(Output, "later/app.db");
        await RestoreAsync(Output);
        Assert.Equal("later/app.db", new FileInfo(Output).LinkTarget);
        AssertRestored(_folder["later/app.db"]);
    }

    [Fact]
    public async Task Steps_up_in_a_link_are_those_of_the_folder_in_which_it_really_lies()
    {
        Files.CreateDirectory(_folder["a/b"]);
        Directory.CreateSymbolicLink(_folder["short"], _folder["a/b"]);
        File.CreateSymbolicLink(_folder["a/b/out.db"], "../app.db");
        await RestoreAsync(_folder["short/out.db"]);
        AssertRestored(_folder["a/app.db"]);
        Assert.False(File.Exists(_folder["app.db"]));
    }

    [Fact]
    public async Task Links_that_lead_in_a_circle_are_an_error()
    {
        File.CreateSymbolicLink(Output, "other.db");
        File.CreateSymbolicLink(_folder["other.db"], "out.db");
        var failure = await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync(Output, overwrite: true));
        Assert.Contains("circle", failure.Message, StringComparison.Ordinal);
    }

    private static void Write(string path, byte[] content)
    {
        using var file = Files.Open(path, FileMode.CreateNew, FileAccess.ReadWrite);
        file.Write(0, content);
    }

    private async Task RestoreAsync(string output, bool overwrite = false, Action<string>? inspect = null)
        => await new RestoreStep(await _history.StoreAsync("0:1-1 0:2-2"), Files, TimeProvider.System).RunAsync(
            new RestoreTarget.Latest(),
            new RestoreOptions
            {
                OutputPath = output,
                Overwrite = overwrite,
                Inspect = (temporary, _) =>
                {
                    inspect?.Invoke(temporary);
                    return ValueTask.CompletedTask;
                },
            },
            TestContext.Current.CancellationToken);

    private void AssertRestored(string path) => Assert.Equal(_history.At(2), PlainFile.Read(path));
}
