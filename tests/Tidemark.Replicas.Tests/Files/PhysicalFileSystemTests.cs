using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Xunit;

namespace Tidemark.Replicas.Tests.Files;

public sealed class PhysicalFileSystemTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static PhysicalFileSystem Files => PhysicalFileSystem.Instance;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_read_and_written_at_offsets()
    {
        using var file = Files.Open(_folder["a"], FileMode.CreateNew, FileAccess.ReadWrite);
        file.Write(3, [1, 2, 3]);
        file.SetLength(8);
        file.Sync();
        var content = new byte[10];
        Assert.Equal(8, file.Length);
        Assert.Equal(8, file.Read(0, content));
        Assert.Equal([0, 0, 0, 1, 2, 3, 0, 0, 0, 0], content);
        Assert.Equal(0, file.Read(8, content));
    }

    [Fact]
    public void A_lock_has_one_holder_until_it_is_given_back()
    {
        var held = Files.TryLock(_folder["lock"]);
        Assert.NotNull(held);
        Assert.Null(Files.TryLock(_folder["lock"]));
        held.Dispose();
        held.Dispose();
        using var again = Files.TryLock(_folder["lock"]);
        Assert.NotNull(again);
        Assert.Null(Files.TryLock(_folder["lock"]));
    }

    [Fact]
    public void Locks_are_given_back_one_by_one_and_cost_one_handle()
    {
        string PathOf(int number) => Path.Combine(_folder[$"{number}"], "lock");
        const int Count = 50;
        var locks = new List<IDisposable>();
        for (var i = 0; i < Count; i++)
        {
            Files.CreateDirectory(_folder[$"{i}"]);
            locks.Add(Assert.IsType<IDisposable>(Files.TryLock(PathOf(i)), exactMatch: false));
        }

        if (OperatingSystem.IsLinux())
        {
            var handles = new DirectoryInfo("/proc/self/fd").EnumerateFiles().Select(handle => handle.LinkTarget ?? "")
                .Count(target => target.StartsWith(_folder.Path, StringComparison.Ordinal));
            Assert.InRange(handles, 0, 1); // None when another test of this process holds a lock.
        }

        for (var i = 0; i < Count; i++)
        {
            Assert.Null(Files.TryLock(PathOf(i)));
            locks[i].Dispose();
            using var again = Files.TryLock(PathOf(i));
            Assert.NotNull(again);
        }
    }

    [Fact]
    public void A_lock_whose_folder_was_removed_and_made_again_is_not_taken_from_its_new_holder()
    {
        Files.CreateDirectory(_folder["a"]);
        Files.CreateDirectory(_folder["b"]);
        var (a, b) = (Path.Combine(_folder["a"], "lock"), Path.Combine(_folder["b"], "lock"));
        using var other = Files.TryLock(b);
        var first = Files.TryLock(a)!;
        Directory.Delete(_folder["a"], recursive: true);
        first.Dispose();
        Files.CreateDirectory(_folder["a"]);
        using var second = Files.TryLock(a);
        Assert.NotNull(second);
        Assert.Null(Files.TryLock(a));
        Assert.Null(Files.TryLock(b));
    }

    [Fact]
    public void A_move_replaces_what_has_the_new_name()
    {
        Write("a", 1);
        Write("b", 2, 2);
        Files.Move(_folder["a"], _folder["b"]);
        Files.SyncDirectory(_folder.Path);
        Assert.Equal(["b"], Files.ListFiles(_folder.Path));
        Assert.Equal(1, Files.TryGetFacts(_folder["b"])!.Value.SizeBytes);
    }

    [Fact]
    public void A_file_that_somebody_has_open_is_not_deleted_as_unused()
    {
        Write("a", 1);
        using (Files.Open(_folder["a"], FileMode.Open, FileAccess.ReadWrite))
        {
            Assert.False(Files.TryDeleteUnused(_folder["a"]));
            Assert.True(Files.FileExists(_folder["a"]));
        }

        Assert.True(Files.TryDeleteUnused(_folder["a"]));
        Assert.False(Files.FileExists(_folder["a"]));
    }

    [Fact]
    public void What_is_not_there_needs_no_deletion()
    {
        Assert.True(Files.TryDeleteUnused(_folder["a"]));
        Assert.True(Files.TryDeleteUnused(_folder["no/a"]));
        Files.Delete(_folder["a"]);
        Files.Delete(_folder["no/a"]);
        Files.DeleteEmptyDirectory(_folder["no"]);
    }

    [Fact]
    public void A_missing_folder_lists_as_empty_and_cannot_be_made_durable()
    {
        Assert.Empty(Files.ListFiles(_folder["no"]));
        Assert.Null(Files.TryGetFacts(_folder["no/a"]));
        Assert.False(Files.DirectoryExists(_folder["no"]));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Throws<IOException>(() => Files.SyncDirectory(_folder["no"]));
        }
    }

    [Fact]
    public void Folders_are_created_with_those_above_them()
    {
        Files.CreateDirectory(_folder["a/b/c"]);
        Files.CreateDirectory(_folder["a/b/c"]);
        Assert.True(Files.DirectoryExists(_folder["a/b/c"]));
        Files.DeleteEmptyDirectory(_folder["a/b/c"]);
        Assert.False(Files.DirectoryExists(_folder["a/b/c"]));
    }

    [Fact]
    public void A_modification_time_is_kept_to_the_millisecond()
    {
        Write("a", 1);
        var time = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);
        Files.SetModified(_folder["a"], time);
        Assert.Equal(time, Files.TryGetFacts(_folder["a"])!.Value.Modified);
    }

    [Fact]
    public void A_stream_over_a_range_of_a_file_ends_with_the_range()
    {
        Write("a", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        using var stream = new FileContentStream(Files.Open(_folder["a"], FileMode.Open, FileAccess.Read), offset: 3, lengthMax: 4);
        var content = new MemoryStream();
        stream.CopyTo(content);
        Assert.Equal([3, 4, 5, 6], content.ToArray());
        Assert.Equal(4, stream.Length);
        stream.Seek(-1, SeekOrigin.End);
        Assert.Equal(6, stream.ReadByte());
        Assert.Equal(-1, stream.ReadByte());
    }

    private void Write(string name, params byte[] content)
    {
        using var file = Files.Open(_folder[name], FileMode.Create, FileAccess.ReadWrite);
        file.Write(0, content);
    }
}
