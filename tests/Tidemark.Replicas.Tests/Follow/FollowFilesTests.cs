using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Testing;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

public sealed class FollowFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_a_killed_follower_has_left_is_removed_by_the_next_one_and_nothing_else_is()
    {
        const string Random = "0123456789abcdef0123456789abcdef";
        string[] foreign = [$".other.db.{Random}.tidemark-follow", ".copy.db.0123.tidemark-follow", $"copy.db.{Random}.tidemark-follow"];
        foreach (var name in foreign.Append($".copy.db.{Random}.tidemark-follow"))
        {
            PhysicalFileSystem.Instance.Open(_folder[name], FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        }

        var files = new FollowFiles(PhysicalFileSystem.Instance, _folder["copy.db"]);
        using (files.Lock())
        {
            files.WriteTxid(new Txid(7));
        }

        Assert.Equal(new Txid(7), files.ReadTxid());
        Assert.Equal(
            [.. foreign.Append("copy.db-txid").Order(StringComparer.Ordinal)],
            Directory.GetFiles(_folder.Path)
                .Select(path => Path.GetFileName(path))
                .Where(name => name != "copy.db-follow.lock") // It stays or goes with other locks of the process.
                .Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("copy.db-journal")]
    [InlineData("copy.db-txid")]
    [InlineData("copy.db-follow")]
    [InlineData("copy.db")]
    public void As_root_no_link_in_the_place_of_a_file_is_followed(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Root alone has to fear links.");
        var files = new FollowFiles(PhysicalFileSystem.Instance, _folder["copy.db"]); // Before: what the output leads to is settled then.
        using (var victim = PhysicalFileSystem.Instance.Open(_folder["victim"], FileMode.CreateNew, FileAccess.ReadWrite))
        {
            victim.Write(0, "0000000000000007\n"u8);
        }

        File.CreateSymbolicLink(_folder[name], _folder["victim"]);
        foreach (var act in (Action[])
            [
                () => files.CreateJournal().Dispose(), () => files.OpenJournal().Dispose(), () => files.Open().Dispose(),
                () => files.ReadTxid(), () => files.ReadRecord(),
            ])
        {
            _ = Record.Exception(act);
        }

        files.WriteTxid(new Txid(9)); // It takes the place of the link.
        Assert.Equal(17, PhysicalFileSystem.Instance.TryGetFacts(_folder["victim"])!.Value.SizeBytes);
        if (name.EndsWith("-journal", StringComparison.Ordinal))
        {
            Assert.Contains("symbolic link", Assert.Throws<FollowException>(() => files.CreateJournal()).Message, StringComparison.Ordinal);
        }
    }
}
