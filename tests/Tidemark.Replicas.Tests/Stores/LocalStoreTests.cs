using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Stores;

public sealed class LocalStoreTests : ReplicaStoreContract, IDisposable
{
    private static readonly DateTimeOffset s_created = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private const int CreatedSize = 200_000;

    private readonly TemporaryFolder _folder = new();

    private string Level0 => _folder["replica/ltx/0"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_lies_where_litestream_looks_for_it()
    {
        await WriteAsync(CreateStore(), Key(9, 1, 255));
        Assert.True(File.Exists(_folder["replica/ltx/9/0000000000000001-00000000000000ff.ltx"]));
    }

    [Fact]
    public async Task A_right_that_is_missing_is_told_with_the_folder_that_exists()
    {
        // The tests may run as root, who may write everything.
        var closed = new HookedFileSystem { Opening = _ => throw new UnauthorizedAccessException("Access to the path is denied.") };
        var failure = await Assert.ThrowsAsync<ReplicaStoreException>(
            async () => await WriteAsync(new LocalStore(_folder["replica"], closed), Key(0, 1)));
        Assert.EndsWith($": this user may not write to {Level0}", failure.Message, StringComparison.Ordinal);
        Assert.Equal($"Give the user that runs Tidemark the right to read and write {_folder["replica"]}.", failure.Hint);
    }

    [Fact]
    public async Task A_replica_that_may_not_be_made_is_told_with_the_folder_above_it()
    {
        // The tests may run as root, who may write everything.
        var closed = new HookedFileSystem { Creating = _ => throw new UnauthorizedAccessException("Access to the path is denied.") };
        var failure = await Assert.ThrowsAsync<ReplicaStoreException>(
            async () => await WriteAsync(new LocalStore(_folder["replica"], closed), Key(0, 1)));
        Assert.EndsWith($": this user may not write to {_folder.Path}", failure.Message, StringComparison.Ordinal);
        Assert.Equal($"Give the user that runs Tidemark the right to read and write {_folder.Path}.", failure.Hint);
    }

    [Fact]
    public async Task Reading_creates_no_folder()
    {
        var store = CreateStore();
        await ListAsync(store, 0);
        await store.DeleteAsync([Key(0, 1)], default);
        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(async () => await store.OpenAsync(Key(0, 1), 0, null, default));
        Assert.False(Directory.Exists(_folder["replica"]));
    }

    [Fact]
    public async Task A_watch_tells_of_every_new_file_of_its_level()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Folders are watched on Linux.");
        var store = CreateStore();
        using var watch = Assert.IsType<LocalStore>(store).Watch(Level.Captured);
        var missed = watch.NextAsync();
        await WriteAsync(store, Key(0, 1)); // Makes the folder, so no notice can come of it.
        for (var txid = 2; txid <= 4; txid++)
        {
            var next = watch.NextAsync();
            await WriteAsync(store, Key(0, txid));
            await next.WaitAsync(s_patience);
        }

        Directory.Delete(Level0, recursive: true);
        Directory.CreateDirectory(Level0);
        var again = watch.NextAsync();
        await store.CreateAsync(Key(0, 5), s_created, new MemoryStream([1, 2, 3]), default);
        await again.WaitAsync(s_patience);
        Assert.False(missed.IsCompleted);
    }

    [Fact]
    public async Task A_watch_tells_nothing_of_other_levels()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Folders are watched on Linux.");
        var store = Assert.IsType<LocalStore>(CreateStore());
        await WriteAsync(store, Key(0, 1));
        await WriteAsync(store, Key(1, 1));
        using var captured = store.Watch(Level.Captured);
        using var compacted = store.Watch(new Level(1));
        var (other, own) = (captured.NextAsync(), compacted.NextAsync());
        await WriteAsync(store, Key(1, 2));
        await own.WaitAsync(s_patience);
        Assert.False(other.IsCompleted);
    }

    [Fact]
    public async Task Writing_leaves_only_the_files_themselves()
    {
        var store = CreateStore();
        await WriteAsync(store, Key(0, 1));
        await WriteAsync(store, Key(0, 1));
        await Assert.ThrowsAsync<InvalidDataException>(async () => await store.WriteAsync(
            Key(0, 2), s_created, new BreakingStream(Content(10), 5, new InvalidDataException()), default));
        Assert.Equal([Path.Combine(Level0, Key(0, 1).Name.ToString())], Directory.GetFileSystemEntries(Level0));
    }

    [Fact]
    public async Task The_first_write_removes_what_a_killed_process_left_behind_and_nothing_else()
    {
        await AddForeignFileAsync(Level.Captured, "0000000000000001-0000000000000001.ltx.0123456789abcdef0123456789abcdef.tmp");
        await AddForeignFileAsync(Level.Captured, "0000000000000001-0000000000000001.ltx.tmp");
        await AddForeignFileAsync(Level.Captured, "0000000000000001-0000000000000001.tmp");
        await AddForeignFileAsync(Level.Captured, "notes.tmp");
        await WriteAsync(CreateStore(), Key(0, 7));
        Assert.Equal(
            ["0000000000000001-0000000000000001.tmp", Key(0, 7).Name.ToString(), "notes.tmp"],
            Directory.GetFiles(Level0).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_temporary_file_of_a_living_writer_stays()
    {
        var other = CreateStore();
        var content = new HookedStream(Content(300_000), whenRead: position =>
        {
            if (position > 0)
            {
                WriteAsync(CreateStore(), Key(0, 2)).AsTask().GetAwaiter().GetResult(); // Another process begins to write meanwhile.
            }
        });
        await other.WriteAsync(Key(0, 1), s_created, content, default);
        Assert.Equal([Key(0, 1), Key(0, 2)], (await ListAsync(other, 0)).Select(file => file.Key));
    }

    [Fact]
    public async Task A_replica_whose_folder_is_a_file_is_an_error_and_not_an_empty_replica()
    {
        await WriteRawAsync(_folder["replica"]);
        var store = CreateStore();
        Func<Task>[] calls =
        [
            async () => await ListAsync(store, 0),
            async () => await WriteAsync(store, Key(0, 1)),
            async () => await store.OpenAsync(Key(0, 1), 0, null, default),
        ];
        foreach (var call in calls)
        {
            var failure = await Assert.ThrowsAsync<ReplicaStoreException>(call);
            Assert.Equal($"file://{_folder["replica"]}: {_folder["replica"]} is a file, but must be a folder.", failure.Message);
            Assert.NotNull(failure.Hint);
            Assert.False(failure.IsTransient);
        }
    }

    [Fact]
    public async Task A_full_disk_is_transient_and_says_which_disk()
    {
        var store = new LocalStore(_folder["replica"], new FaultyFileSystem(PhysicalFileSystem.Instance, failAt: 6, FileFault.DiskFull));
        var failure = await Assert.ThrowsAsync<ReplicaStoreException>(async () => await WriteAsync(store, Key(0, 1)));
        Assert.True(failure.IsTransient);
        Assert.Equal($"Free some space on the disk that holds {_folder["replica"]}.", failure.Hint);
        Assert.Empty(Directory.GetFiles(Level0));
    }

    [Fact]
    public async Task Missing_rights_are_not_transient_and_say_what_to_do()
    {
        var files = new MemoryFileSystem();
        files.CreateDirectory("/replica/ltx/0/0000000000000001-0000000000000001.ltx"); // Opening a folder is refused as missing rights are.
        var store = new LocalStore("/replica", files);
        var failure = await Assert.ThrowsAsync<ReplicaStoreException>(async () => await store.OpenAsync(Key(0, 1), 0, null, default));
        Assert.False(failure.IsTransient);
        Assert.Equal("Give the user that runs Tidemark the right to read and write /replica.", failure.Hint);
    }

    [Fact]
    public async Task A_read_that_fails_is_a_failure_of_the_store()
    {
        await WriteAsync(CreateStore(), Key(0, 1));
        var store = new LocalStore(_folder["replica"], new FaultyFileSystem(PhysicalFileSystem.Instance, failAt: 2));
        await using var stream = await store.OpenAsync(Key(0, 1), 0, null, default);
        await Assert.ThrowsAsync<ReplicaStoreException>(async () => await stream.ReadExactlyAsync(new byte[10], default));
    }

    [Fact]
    public async Task A_write_whose_nth_file_operation_fails_leaves_the_old_file_or_the_whole_new_one()
    {
        foreach (var fault in Enum.GetValues<FileFault>())
        {
            for (var failAt = 1; ; failAt++)
            {
                var disk = new MemoryFileSystem();
                await WriteAsync(new LocalStore("/replica", disk), Key(0, 1), size: 300);
                var faulty = new FaultyFileSystem(disk, failAt, fault);
                var write = WriteAsync(new LocalStore("/replica", faulty), Key(0, 1), size: 200_000).AsTask();
                if (!faulty.HasFailed)
                {
                    await write;
                    break;
                }

                await Task.WhenAny(write);
                if (write.Exception is { } failure) // Or else it failed in what may fail: removing leftovers.
                {
                    Assert.IsType<ReplicaStoreException>(failure.InnerException);
                }

                Assert.Equal(["/replica/ltx/0/0000000000000001-0000000000000001.ltx"], disk.AllFiles);
                Assert.Contains(disk.ReadAllBytes(disk.AllFiles[0]).Length, new[] { 300, 200_000 });
                Assert.Equal(0, disk.OpenHandles);
            }
        }
    }

    [Fact]
    public async Task A_creation_whose_nth_file_operation_fails_leaves_nothing_or_the_whole_file()
    {
        foreach (var fault in Enum.GetValues<FileFault>())
        {
            for (var failAt = 1; ; failAt++)
            {
                var disk = new MemoryFileSystem();
                var faulty = new FaultyFileSystem(disk, failAt, fault);
                var create = CreateAsync(new LocalStore("/replica", faulty), Key(0, 1)).AsTask();
                if (!faulty.HasFailed)
                {
                    await create;
                    break;
                }

                await Task.WhenAny(create);
                Assert.All(disk.AllFiles, path => Assert.Equal(CreatedSize, disk.ReadAllBytes(path).Length));
                Assert.All(disk.AllFiles, path => Assert.Equal("/replica/ltx/0/0000000000000001-0000000000000001.ltx", path));
                Assert.Equal(0, disk.OpenHandles);
                if (create.IsCompletedSuccessfully)
                {
                    Assert.Single(disk.AllFiles); // It failed in what may fail: removing leftovers.
                }
            }
        }
    }

    [Fact]
    public async Task A_claim_whose_nth_file_operation_fails_is_the_old_one_or_the_new_one()
    {
        foreach (var fault in Enum.GetValues<FileFault>())
        {
            for (var failAt = 1; ; failAt++)
            {
                var disk = new MemoryFileSystem();
                var store = new LocalStore("/replica", disk);
                await store.WriteClaimAsync("old", default);
                var faulty = new FaultyFileSystem(disk, failAt, fault);
                var write = WriteClaimAsync(faulty, "new");
                await Task.WhenAny(write);
                Assert.Contains(await store.ReadClaimAsync(default), new[] { "old", "new" });
                Assert.Equal(["/replica/tidemark-writer"], disk.AllFiles);
                Assert.Equal(0, disk.OpenHandles);
                if (!faulty.HasFailed)
                {
                    Assert.Equal("new", await store.ReadClaimAsync(default));
                    break;
                }
            }
        }
    }

    [Fact]
    public async Task A_power_loss_at_any_operation_of_a_claim_leaves_the_old_one_or_the_new_one_and_what_was_acknowledged_stays()
    {
        foreach (var loss in Enum.GetValues<PowerLoss>())
        {
            var isDone = false;
            for (var failAt = 1; !isDone; failAt++)
            {
                var disk = new MemoryFileSystem();
                await new LocalStore("/replica", disk).WriteClaimAsync("old", default);
                disk.FailPowerAt(failAt);
                var write = WriteClaimAsync(disk, "new");
                await Task.WhenAny(write);
                isDone = write.IsCompletedSuccessfully;
                disk.Restart(loss, failAt);

                var store = new LocalStore("/replica", disk);
                Assert.Contains(await store.ReadClaimAsync(default), isDone ? ["new"] : new[] { "old", "new" });
                await store.WriteClaimAsync("next", default);
                Assert.Equal(["/replica/tidemark-writer"], disk.AllFiles);
            }
        }
    }

    [Fact]
    public async Task A_claim_lies_beside_the_levels()
    {
        await CreateStore().WriteClaimAsync("claim", default);
        Assert.Equal([_folder["replica/tidemark-writer"]], Directory.GetFileSystemEntries(_folder["replica"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_power_loss_at_any_operation_of_a_write_leaves_a_whole_file_and_what_was_acknowledged_stays(bool creates)
    {
        foreach (var loss in Enum.GetValues<PowerLoss>())
        {
            var isDone = false;
            for (var failAt = 1; !isDone; failAt++)
            {
                for (var seed = 0; seed < (loss is PowerLoss.Mixed or PowerLoss.Unordered ? 8 : 1); seed++)
                {
                    var disk = new MemoryFileSystem();
                    await WriteAsync(new LocalStore("/replica", disk), Key(0, 1), size: 300);
                    disk.FailPowerAt(failAt);
                    var writer = new LocalStore("/replica", disk);
                    var write = creates ? CreateAsync(writer, Key(0, 2)).AsTask() : WriteAsync(writer, Key(0, 2), CreatedSize).AsTask();
                    await Task.WhenAny(write);
                    isDone = write.IsCompletedSuccessfully;
                    disk.Restart(loss, seed);

                    var store = new LocalStore("/replica", disk);
                    var listed = await ListAsync(store, 0);
                    Assert.Equal(new LtxFileInfo(Key(0, 1), 300, s_created), listed[0]);
                    Assert.True(listed.Count == 2 || !isDone, "What was acknowledged is lost.");
                    Assert.All(listed.Skip(1), file => Assert.Equal(new LtxFileInfo(Key(0, 2), CreatedSize, s_created), file));
                    Assert.All(listed.Skip(1), file => Assert.Equal(
                        Content(CreatedSize), disk.ReadAllBytes($"/replica/ltx/0/{file.Key.Name}")));

                    await WriteAsync(store, Key(0, 3));
                    Assert.DoesNotContain(disk.AllFiles, path => path.EndsWith(".tmp", StringComparison.Ordinal));
                }
            }
        }
    }

    protected override IReplicaStore CreateStore() => new LocalStore(_folder["replica"], PhysicalFileSystem.Instance);

    protected override async ValueTask AddForeignFileAsync(Level level, string name)
    {
        Directory.CreateDirectory(_folder[$"replica/ltx/{level}"]);
        await WriteRawAsync(_folder[$"replica/ltx/{level}/{name}"]);
    }

    private static ValueTask<LtxFileInfo> CreateAsync(LocalStore store, LtxFileKey key)
        => store.CreateAsync(key, s_created, new MemoryStream(Content(CreatedSize)), default);

    private static async Task WriteClaimAsync(IFileSystem files, string claim)
        => await new LocalStore("/replica", files).WriteClaimAsync(claim, default);

    private static Task WriteRawAsync(string path) => File.WriteAllTextAsync(path, "not an LTX file");
}
