using System.Runtime.Versioning;
using System.Text;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Files;

/// <summary>A process of root in a folder where another user may have planted links.</summary>
[SupportedOSPlatform("linux")]
public sealed class LinklessFileSystemTests : IDisposable
{
    private const uint Nobody = 65534;

    private readonly TemporaryFolder _folder = new();
    private readonly IFileSystem _files;

    public LinklessFileSystemTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Root alone has to fear links.");
        Write("victim/file", "secret");
        Directory.CreateDirectory(_folder["own"]);
        _files = PhysicalFileSystem.Instance.WithoutLinks(_folder["own"]);
    }

    private string Link => _folder["own/link"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(FileMode.Create)]
    [InlineData(FileMode.CreateNew)]
    [InlineData(FileMode.Open)]
    [InlineData(FileMode.OpenOrCreate)]
    [InlineData(FileMode.Truncate)]
    public void A_file_is_not_opened_through_a_link(FileMode mode)
    {
        File.CreateSymbolicLink(Link, _folder["victim/file"]);
        Assert.True(_files.FileExists(Link));
        Assert.Throws<IOException>(() => _files.Open(Link, mode, FileAccess.ReadWrite));
        Assert.Throws<IOException>(() => _files.Open(Link, mode, FileAccess.ReadWrite, FileRights.Private));
        Assert.Throws<IOException>(() => _files.TryGetFacts(Link));
        Assert.Throws<IOException>(() => _files.SetModified(Link, DateTimeOffset.UnixEpoch));
        AssertVictimIsWell();
    }

    [Fact]
    public void A_link_that_leads_nowhere_makes_no_file_where_it_leads()
    {
        File.CreateSymbolicLink(Link, _folder["victim/new"]);
        foreach (var mode in (FileMode[])[FileMode.Create, FileMode.CreateNew, FileMode.OpenOrCreate])
        {
            Assert.Throws<IOException>(() => _files.Open(Link, mode, FileAccess.ReadWrite));
        }

        AssertVictimIsWell();
    }

    [Fact]
    public void What_is_said_of_a_link_names_it()
    {
        File.CreateSymbolicLink(Link, _folder["victim/file"]);
        var e = Assert.Throws<IOException>(() => _files.Open(Link, FileMode.Open, FileAccess.Read));
        Assert.Equal(
            $"{Link} is a symbolic link, and a process of root follows none there. Remove it, or give the path that it leads to.", e.Message);
    }

    [Fact]
    public void No_folder_on_the_way_is_a_link()
    {
        Directory.CreateSymbolicLink(Link, _folder["victim"]);
        Write("own/source", "mine");
        foreach (var path in (string[])[_folder["own/link/file"], _folder["own/link/more/file"]])
        {
            Assert.Throws<IOException>(() => _files.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite));
            Assert.Throws<IOException>(() => _files.Delete(path));
            Assert.Throws<IOException>(() => _files.TryDeleteUnused(path));
            Assert.Throws<IOException>(() => _files.TryLock(path));
            Assert.Throws<IOException>(() => _files.Move(_folder["own/source"], path));
            Assert.Throws<IOException>(() => _files.Move(path, _folder["own/target"]));
            Assert.Throws<IOException>(() => _files.TryMoveNew(path, _folder["own/target"]));
            Assert.Throws<IOException>(() => _files.FileExists(path));
            Assert.Throws<IOException>(() => _files.TryGetFacts(path));
            Assert.Throws<IOException>(() => _files.CreateDirectory(path));
            Assert.Throws<IOException>(() => _files.DeleteEmptyDirectory(path));
        }

        Assert.Throws<IOException>(() => _files.CreateDirectory(Link));
        Assert.Throws<IOException>(() => _files.ListFiles(Link));
        Assert.Throws<IOException>(() => _files.ListDirectories(Link));
        Assert.Throws<IOException>(() => _files.SyncDirectory(Link));
        Assert.Throws<IOException>(() => _files.DirectoryExists(Link));
        AssertVictimIsWell();
    }

    [Fact]
    public void A_link_is_replaced_and_removed_like_any_name()
    {
        File.CreateSymbolicLink(Link, _folder["victim/file"]);
        Write("own/new", "mine");
        _files.Move(_folder["own/new"], Link);
        Assert.Equal("mine", Read(Link));

        foreach (var remove in (Action[])[() => _files.Delete(Link), () => Assert.True(_files.TryDeleteUnused(Link))])
        {
            File.Delete(Link);
            File.CreateSymbolicLink(Link, _folder["victim/file"]);
            remove();
            Assert.False(_files.FileExists(Link));
        }

        AssertVictimIsWell();
    }

    [Fact]
    public async Task A_file_with_a_second_name_is_read_and_not_written()
    {
        await UnixTools.RunShellAsync([], "ln \"$0\" \"$1\"", _folder["victim/file"], Link);
        Assert.Equal("secret", Read(Link));
        foreach (var mode in (FileMode[])[FileMode.Create, FileMode.Open, FileMode.OpenOrCreate, FileMode.Truncate])
        {
            Assert.Throws<IOException>(() => _files.Open(Link, mode, FileAccess.ReadWrite));
        }

        AssertVictimIsWell();
    }

    [Fact]
    public async Task A_pipe_in_the_place_of_a_file_is_not_waited_for()
    {
        await UnixTools.MakePipeAsync(Link);
        Assert.Throws<IOException>(() => _files.Open(Link, FileMode.Open, FileAccess.Read));
        Assert.Throws<IOException>(() => _files.Open(Link, FileMode.OpenOrCreate, FileAccess.ReadWrite));
    }

    [Fact]
    public void Without_links_everything_goes_as_ever()
    {
        Directory.CreateSymbolicLink(_folder["short"], _folder["own"]); // Whoever gave the folder meant what its path leads to.
        var files = PhysicalFileSystem.Instance.WithoutLinks(_folder["short/a"]);
        Assert.False(files.DirectoryExists(_folder["short/a"]));
        Assert.False(files.FileExists(_folder["short/a/b/file"]));
        Assert.Null(files.TryGetFacts(_folder["short/a/b/file"]));
        Assert.Empty(files.ListFiles(_folder["short/a/b"]));
        files.Delete(_folder["short/a/b/file"]);
        Assert.Throws<DirectoryNotFoundException>(() => files.Open(_folder["short/a/b/file"], FileMode.Open, FileAccess.Read));

        files.CreateDirectory(_folder["short/a/b"], FileRights.Private.ForFolder(null));
        files.CreateDirectory(_folder["short/a/b"]);
        files.SyncDirectory(_folder["short/a/b"]);
        Assert.Throws<FileNotFoundException>(() => files.Open(_folder["short/a/b/file"], FileMode.Open, FileAccess.Read));
        using (var file = files.Open(_folder["short/a/b/file"], FileMode.CreateNew, FileAccess.ReadWrite, FileRights.Private))
        {
            file.Write(0, [1, 2, 3]);
            Assert.False(files.TryDeleteUnused(_folder["short/a/b/file"])); // It is in use.
            Assert.False(PhysicalFileSystem.Instance.TryDeleteUnused(_folder["own/a/b/file"]));
        }

        Assert.Equal(("700", "600"), (Mode("own/a/b"), Mode("own/a/b/file")));
        Assert.Throws<IOException>(() => files.Open(_folder["short/a/b/file"], FileMode.CreateNew, FileAccess.ReadWrite));
        Assert.Equal(3, files.TryGetFacts(_folder["short/a/b/file"])!.Value.SizeBytes);
        Assert.Equal(["file"], files.ListFiles(_folder["short/a/b"]));
        Assert.Equal(["b"], files.ListDirectories(_folder["short/a"]));
        files.Move(_folder["short/a/b/file"], _folder["short/a/moved"]);
        Write("own/a/second", "2");
        Assert.False(files.TryMoveNew(_folder["short/a/second"], _folder["short/a/moved"]));
        Assert.True(files.TryMoveNew(_folder["short/a/second"], _folder["short/a/b/second"]));
        files.SetModified(_folder["short/a/moved"], DateTimeOffset.UnixEpoch);
        Assert.Equal(DateTimeOffset.UnixEpoch, files.TryGetFacts(_folder["short/a/moved"])!.Value.Modified);
        files.Open(_folder["short/a/moved"], FileMode.Create, FileAccess.ReadWrite).Dispose();
        Assert.Equal(0, files.TryGetFacts(_folder["short/a/moved"])!.Value.SizeBytes);
        using (var held = files.TryLock(_folder["short/a/lock"]))
        {
            Assert.NotNull(held);
            Assert.Null(files.TryLock(_folder["short/a/lock"]));
        }

        Assert.True(files.TryDeleteUnused(_folder["short/a/moved"]));
        files.Delete(_folder["short/a/b/second"]);
        files.DeleteEmptyDirectory(_folder["short/a/b"]);
        Assert.False(files.DirectoryExists(_folder["short/a/b"]));
    }

    [Fact]
    public void What_fails_is_told_with_the_path_that_was_given()
    {
        var e = Assert.Throws<FileNotFoundException>(() => _files.Move(_folder["own/a"], _folder["own/b"]));
        Assert.DoesNotContain("/proc/self", e.Message, StringComparison.Ordinal);
        Assert.Contains(_folder["own/a"], e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_of_another_user_is_followed_to_what_is_his_and_to_nothing_else()
    {
        var files = PhysicalFileSystem.Instance;
        File.CreateSymbolicLink(Link, _folder["victim/file"]);
        Assert.Equal(_folder["victim/file"], files.FinalPath(Link)); // Of root.

        await UnixTools.RunShellAsync([], $"chown -h {Nobody} \"$0\"", Link);
        var e = Assert.Throws<IOException>(() => files.FinalPath(Link));
        Assert.Contains($"{Link} is a symbolic link of user {Nobody} to what is not that user's", e.Message, StringComparison.Ordinal);

        await UnixTools.GiveAwayAsync(_folder["victim/file"], Nobody, Nobody);
        Assert.Equal(_folder["victim/file"], files.FinalPath(Link));

        File.Delete(_folder["victim/file"]);
        Assert.Throws<IOException>(() => files.FinalPath(Link)); // What would be created there would be in a folder of root.
        await UnixTools.GiveAwayAsync(_folder["victim"], Nobody, Nobody);
        Assert.Equal(_folder["victim/file"], files.FinalPath(Link));
    }

    private void AssertVictimIsWell()
    {
        Assert.Equal(["file"], Directory.GetFileSystemEntries(_folder["victim"]).Select(Path.GetFileName));
        Assert.Equal("secret", Read(_folder["victim/file"]));
        Assert.True(PhysicalFileSystem.Instance.TryGetFacts(_folder["victim/file"])!.Value.Modified > DateTimeOffset.UnixEpoch);
    }

    private string Mode(string name) => Convert.ToString((int)File.GetUnixFileMode(_folder[name]), 8);

    private static string Read(string path)
    {
        using var file = PhysicalFileSystem.Instance.Open(path, FileMode.Open, FileAccess.Read);
        var bytes = new byte[100];
        return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes));
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        using var file = PhysicalFileSystem.Instance.Open(_folder[name], FileMode.Create, FileAccess.ReadWrite);
        file.Write(0, Encoding.UTF8.GetBytes(text));
    }
}
