using System.Runtime.Versioning;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Files;

/// <summary>Files that are created with the rights of another one, on the real disk.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class AlikeFileSystemTests : IDisposable
{
    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode ForGroup = Secret | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode ForAll = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly TemporaryFolder _folder = new();

    public AlikeFileSystemTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has other rights.");

    private string Model => _folder["app.db"];

    private AlikeFileSystem Files => new(PhysicalFileSystem.Instance, Model);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Secret)]
    [InlineData(ForGroup)]
    [InlineData(ForAll)]
    public void A_new_file_gets_the_mode_of_the_model_whatever_the_umask(UnixFileMode mode)
    {
        MakeModel(mode);
        foreach (var how in (ReadOnlySpan<FileMode>)[FileMode.CreateNew, FileMode.Create, FileMode.OpenOrCreate])
        {
            Files.Open(_folder[$"{how}"], how, FileAccess.ReadWrite).Dispose();
            Assert.Equal(mode, File.GetUnixFileMode(_folder[$"{how}"]));
        }
    }

    [Fact]
    public void A_file_that_is_there_keeps_its_rights_and_is_opened_as_it_was_asked_for()
    {
        MakeModel(Secret);
        using (var file = PhysicalFileSystem.Instance.Open(_folder["a"], FileMode.CreateNew, FileAccess.ReadWrite))
        {
            file.Write(0, [1, 2, 3]);
        }

        File.SetUnixFileMode(_folder["a"], ForAll);
        using (var file = Files.Open(_folder["a"], FileMode.OpenOrCreate, FileAccess.ReadWrite))
        {
            Assert.Equal(3, file.Length);
        }

        using (var file = Files.Open(_folder["a"], FileMode.Create, FileAccess.ReadWrite))
        {
            Assert.Equal(0, file.Length);
        }

        Assert.Throws<IOException>(() => Files.Open(_folder["a"], FileMode.CreateNew, FileAccess.ReadWrite));
        Assert.Equal(ForAll, File.GetUnixFileMode(_folder["a"]));
    }

    [Fact]
    public void Every_folder_that_is_created_on_the_way_can_be_entered_by_those_who_may_read_the_model()
    {
        MakeModel(ForGroup);
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        Files.CreateDirectory(_folder["a/b"]);
        Assert.Equal("750", Digits(_folder["a"]));
        Assert.Equal("750", Digits(_folder["a/b"]));
        Assert.Equal("755", Digits(_folder.Path));
    }

    [Fact]
    public void Without_a_model_what_is_created_is_for_this_user_alone()
    {
        Files.CreateDirectory(_folder["a"]);
        Files.Open(_folder["a/b"], FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        Assert.Equal("700", Digits(_folder["a"]));
        Assert.Equal("600", Digits(_folder["a/b"]));
    }

    [Fact]
    public void A_link_to_the_model_is_as_good_as_the_model()
    {
        MakeModel(ForGroup);
        File.CreateSymbolicLink(_folder["link.db"], Model);
        new AlikeFileSystem(PhysicalFileSystem.Instance, _folder["link.db"])
            .Open(_folder["a"], FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        Assert.Equal(ForGroup, File.GetUnixFileMode(_folder["a"]));
    }

    [Fact]
    public async Task Root_gives_what_it_creates_to_the_owner_of_the_model()
    {
        MakeModel(ForGroup);
        await UnixTools.GiveAwayAsync(Model, 65534, 65533);
        Files.CreateDirectory(_folder["a"]);
        Files.Open(_folder["a/b"], FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        foreach (var path in (string[])[_folder["a"], _folder["a/b"]])
        {
            Assert.Equal(new FileOwner(65534, 65533), Files.TryGetStatus(path)!.Value.Rights!.Value.Owner);
        }

        Assert.Equal(ForGroup, File.GetUnixFileMode(_folder["a/b"]));
    }

    [Fact]
    public void A_file_in_the_hands_of_its_creator_is_not_taken_for_a_leftover()
    {
        MakeModel(Secret);
        using var file = Files.Open(_folder["a.tmp"], FileMode.CreateNew, FileAccess.ReadWrite);
        GC.Collect();
        GC.WaitForPendingFinalizers(); // What it was created with is gone by then.
        Assert.False(Files.TryDeleteUnused(_folder["a.tmp"]));
        file.Write(0, [1]);
        Assert.Equal(1, file.Length);
    }

    private static string Digits(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);

    private void MakeModel(UnixFileMode mode)
    {
        PhysicalFileSystem.Instance.Open(Model, FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        File.SetUnixFileMode(Model, mode);
    }
}
