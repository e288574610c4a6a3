using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Xunit;

namespace Tidemark.Replicas.Tests.Files;

public sealed partial class PhysicalFileSystemTests : IDisposable
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
    public void A_folder_of_a_file_system_that_cannot_sync_folders_is_done_without_and_that_is_told_once()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A file system without it is looked for among those of Linux.");
        var told = Listen();
        Files.SyncDirectory("/proc/self"); // There is nothing to make durable, so it is refused: EINVAL.
        Files.SyncDirectory("/proc/self/task");
        Assert.Equal([(FileShortcoming.FolderSync, "/proc/self")], told.Where(one => one.Path.StartsWith("/proc", StringComparison.Ordinal)));
        Assert.Throws<IOException>(() => Files.SyncDirectory(_folder["missing"]));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void A_time_that_is_refused_is_done_without_and_that_is_told_once()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root may act as another user.");
        var told = Listen();
        Files.Open(_folder["a"], FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
        File.SetUnixFileMode(_folder["a"], (UnixFileMode)Convert.ToInt32("666", 8));
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        var other = new Thread(() =>
        {
            _ = SetFileUser(65534); // Of this thread, whose file it is not: EPERM.
            Files.SetModified(_folder["a"], DateTimeOffset.UnixEpoch);
            Files.SetModified(_folder["a"], DateTimeOffset.UnixEpoch);
        });
        other.Start();
        other.Join();
        Assert.NotEqual(DateTimeOffset.UnixEpoch, Files.TryGetFacts(_folder["a"])!.Value.Modified);
        Assert.Equal([(FileShortcoming.ModificationTimes, _folder["a"])], told.Where(one => one.Shortcoming == FileShortcoming.ModificationTimes));
    }

    [Fact]
    public async Task A_watch_reports_one_change_and_is_then_silent_until_it_is_armed_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Files are watched on Linux.");
        using var busy = Files.Open(_folder["busy"], FileMode.CreateNew, FileAccess.ReadWrite);
        using var other = Files.Open(_folder["other"], FileMode.CreateNew, FileAccess.ReadWrite);
        using var watch = Files.Watch();
        var changes = 0;
        for (var round = 1; round <= 3; round++)
        {
            // Notices come in the order of the changes, so when that of the other file is here, no further one of the busy file can come.
            var last = new TaskCompletionSource();
            _ = watch.TryArmContent(_folder["busy"], () => Interlocked.Increment(ref changes));
            _ = watch.TryArmContent(_folder["other"], last.SetResult);
            busy.Write(0, [1]);
            busy.SetLength(0);
            busy.Write(0, [2]);
            other.Write(0, [1]);
            await last.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            Assert.Equal(round, changes);
        }
    }

    [Fact]
    public async Task A_watch_reports_names_that_appear_in_a_folder()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Folders are watched on Linux.");
        Files.CreateDirectory(_folder["inner"]);
        using var watch = Files.Watch();
        foreach (var appear in new Action[]
        {
            () => Files.Open(_folder["inner/new"], FileMode.CreateNew, FileAccess.ReadWrite).Dispose(),
            () => Files.Move(_folder["inner/new"], _folder["inner/renamed"]),
            () => Assert.True(Files.TryMoveNew(_folder["inner/renamed"], _folder["inner/moved"])),
        })
        {
            var appeared = new TaskCompletionSource();
            _ = watch.TryArmNames(_folder["inner"], appeared.SetResult);
            appear();
            await appeared.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        }
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
    public void A_move_to_a_new_name_replaces_nothing()
    {
        Write("a", 1);
        Write("b", 2, 2);

        Assert.False(Files.TryMoveNew(_folder["a"], _folder["b"]));
        Assert.Equal(1, Files.TryGetFacts(_folder["a"])!.Value.SizeBytes);
        Assert.Equal(2, Files.TryGetFacts(_folder["b"])!.Value.SizeBytes);

        Assert.True(Files.TryMoveNew(_folder["a"], _folder["c"]));
        Assert.Equal(["b", "c"], Files.ListFiles(_folder.Path).Order(StringComparer.Ordinal));
        Assert.Equal(1, Files.TryGetFacts(_folder["c"])!.Value.SizeBytes);
    }

    [Fact]
    public void A_move_to_a_new_name_of_what_is_not_there_says_so()
    {
        Assert.Throws<FileNotFoundException>(() => Files.TryMoveNew(_folder["a"], _folder["b"]));
        Write("a", 1);
        Assert.Throws<DirectoryNotFoundException>(() => Files.TryMoveNew(_folder["a"], _folder["nowhere/b"]));
    }

    [Fact]
    public void Of_moves_to_one_new_name_at_once_one_succeeds()
    {
        for (var i = 0; i < 32; i++)
        {
            Write($"source-{i}", (byte)i);
        }

        var winners = 0;
        Parallel.For(0, 32, i =>
        {
            if (Files.TryMoveNew(_folder[$"source-{i}"], _folder["b"]))
            {
                Interlocked.Increment(ref winners);
            }
        });
        Assert.Equal(1, winners);
        Assert.Equal(32, Files.ListFiles(_folder.Path).Count);
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

    [Fact]
    public void A_stamp_tells_size_and_times_and_stays_while_nothing_happens()
    {
        Write("a", 1, 2, 3);
        var modified = new DateTimeOffset(2026, 1, 1, 0, 0, 0, 5, TimeSpan.Zero);
        Files.SetModified(_folder["a"], modified);

        var stamp = Files.TryGetStamp(_folder["a"])!.Value;

        Assert.Equal(3, stamp.SizeBytes);
        Assert.Equal(modified.ToUnixTimeMilliseconds() * 1_000_000, stamp.ModifiedNs);
        Assert.NotEqual(stamp.ModifiedNs, stamp.ChangedNs);
        Assert.NotEqual(UInt128.Zero, stamp.Boot);
        Assert.Equal(stamp, Files.TryGetStamp(_folder["a"]));
        Assert.Null(Files.TryGetStamp(_folder["b"]));
    }

    [Fact]
    public void A_stamp_tells_a_file_from_another_one_with_the_same_size_and_modification_time()
    {
        var modified = new DateTimeOffset(2026, 1, 1, 0, 0, 0, 5, TimeSpan.Zero);
        Write("a", 1);
        Write("b", 2);
        Files.SetModified(_folder["a"], modified);
        Files.SetModified(_folder["b"], modified);
        var stamp = Files.TryGetStamp(_folder["a"])!.Value;

        Files.Move(_folder["b"], _folder["a"]);

        var other = Files.TryGetStamp(_folder["a"])!.Value;
        Assert.Equal((stamp.SizeBytes, stamp.ModifiedNs), (other.SizeBytes, other.ModifiedNs));
        Assert.NotEqual(stamp.Number, other.Number);
    }

    [Fact]
    public void A_stamp_follows_links()
    {
        Write("a", 1);
        File.CreateSymbolicLink(_folder["link"], _folder["a"]);

        Assert.Equal(Files.TryGetStamp(_folder["a"]), Files.TryGetStamp(_folder["link"]));
    }

    private void Write(string name, params byte[] content)
    {
        using var file = Files.Open(_folder[name], FileMode.Create, FileAccess.ReadWrite);
        file.Write(0, content);
    }

    private static ConcurrentQueue<(FileShortcoming Shortcoming, string Path)> Listen()
    {
        var told = new ConcurrentQueue<(FileShortcoming, string)>();
        Files.DidWithout = (shortcoming, path) => told.Enqueue((shortcoming, path));
        return told;
    }

    // https://man7.org/linux/man-pages/man2/setfsuid.2.html
    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileUser(uint user);
}
