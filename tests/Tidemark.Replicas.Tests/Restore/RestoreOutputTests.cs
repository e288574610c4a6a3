using System.Net.Sockets;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>What may be overwritten, and what is there after a failure, a cancellation or a power loss at any moment.</summary>
public sealed class RestoreOutputTests
{
    private const string Output = "/data/app.db";
    private static readonly byte[] s_old = [.. Enumerable.Repeat((byte)7, 5_000)];
    private static readonly byte[] s_oldWal = [1, 2, 3];
    private static readonly byte[] s_oldJournal = [4, 5];

    private readonly History _history = new History(512).CaptureAtRandom(seed: 31, captures: 4, pagesMax: 9);
    private readonly MemoryFileSystem _disk = new();

    [Fact]
    public async Task A_database_that_is_there_is_an_error_before_anything_is_fetched()
    {
        _disk.WriteAllBytes(Output, s_old);
        var store = new FaultingStore(await StoreAsync(), _ => null);
        var failure = await Assert.ThrowsAsync<RestoreOutputException>(() => RunAsync(store, _disk));
        Assert.Equal("Cannot restore, output path already exists and is not empty: /data/app.db.", failure.Message);
        Assert.Equal("Use -force to overwrite.", failure.Hint);
        Assert.Equal(0, store.Calls);
        Assert.Equal(s_old, _disk.ReadAllBytes(Output));
    }

    [Theory]
    [InlineData("-wal")]
    [InlineData("-shm")]
    [InlineData("-journal")]
    public async Task A_file_that_sqlite_keeps_beside_a_database_is_an_error_also_without_the_database(string sidecar)
    {
        _disk.WriteAllBytes(Output + sidecar, s_oldWal);
        var failure = await Assert.ThrowsAsync<RestoreOutputException>(async () => await RunAsync(await StoreAsync(), _disk));
        Assert.Equal($"Cannot restore, SQLite sidecar path already exists: /data/app.db{sidecar}.", failure.Message);
        Assert.Equal([Output + sidecar], _disk.AllFiles);

        await RunAsync(await StoreAsync(), _disk, overwrite: true);
        AssertRestored(_disk);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_folder_is_never_overwritten(bool overwrite)
    {
        _disk.CreateDirectory(Output);
        await Assert.ThrowsAsync<RestoreOutputException>(async () => await RunAsync(await StoreAsync(), _disk, overwrite));
        Assert.True(_disk.DirectoryExists(Output));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_has_no_content_is_not_taken_for_an_empty_file(bool overwrite)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems do not tell.");
        using var folder = new TemporaryFolder();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(folder["app.db"]));
        var options = new RestoreOptions { OutputPath = folder["app.db"], Overwrite = overwrite };
        var step = new RestoreStep(await StoreAsync(), PhysicalFileSystem.Instance, TimeProvider.System);
        var failure = await Assert.ThrowsAsync<RestoreOutputException>(
            async () => await step.RunAsync(new RestoreTarget.Latest(), options, TestContext.Current.CancellationToken));
        Assert.Equal($"Cannot restore, output path is a socket and not a file: {folder["app.db"]}.", failure.Message);
        Assert.Equal(FileKind.Socket, PhysicalFileSystem.Instance.TryGetStatus(folder["app.db"])?.Kind);
    }

    [Fact]
    public async Task An_empty_file_may_be_replaced()
    {
        _disk.WriteAllBytes(Output, []);
        await RunAsync(await StoreAsync(), _disk);
        AssertRestored(_disk);
    }

    [Fact]
    public async Task Overwriting_replaces_the_database_and_removes_what_belonged_to_the_old_one()
    {
        PutOldDatabase(_disk);
        _disk.WriteAllBytes("/data/app.db-shm", [9]);
        _disk.WriteAllBytes("/data/app.db-txid", [1]); // Not SQLite's.
        await RunAsync(await StoreAsync(), _disk, overwrite: true);
        Assert.Equal([Output, "/data/app.db-txid"], _disk.AllFiles);
        Assert.Equal(_history.At(4), _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task Folders_above_the_output_are_created()
    {
        await new RestoreStep(await StoreAsync(), _disk, TimeProvider.System)
            .RunAsync(new RestoreTarget.Latest(), new RestoreOptions { OutputPath = "/a/b/c/app.db" }, default);
        Assert.Equal(["/a/b/c/app.db"], _disk.AllFiles);
    }

    [Fact]
    public async Task A_database_that_appears_meanwhile_is_not_overwritten()
    {
        var options = Options(inspect: () => _disk.WriteAllBytes(Output, s_old));
        var step = new RestoreStep(await StoreAsync(), _disk, TimeProvider.System);
        await Assert.ThrowsAsync<RestoreOutputException>(async () => await step.RunAsync(new RestoreTarget.Latest(), options, default));
        Assert.Equal([Output], _disk.AllFiles);
        Assert.Equal(s_old, _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task What_a_killed_restore_left_behind_is_removed_and_other_files_stay()
    {
        string[] left = ["/data/.app.db.0123456789abcdef.tidemark-restore", "/data/.app.db.0123456789abcdef.tidemark-restore-wal"];
        string[] others =
        [
            "/data/.app.db.0123456789abcde.tidemark-restore", "/data/.app.db.0123456789ABCDEF.tidemark-restore",
            "/data/.app.db.tidemark-restore", "/data/.other.db.0123456789abcdef.tidemark-restore", "/data/app.db.tmp",
            "/data/.app.db-wal.0123456789abcdef.tidemark-restore",
        ];
        foreach (var path in left.Concat(others))
        {
            _disk.WriteAllBytes(path, [1]);
        }

        await RunAsync(await StoreAsync(), _disk);
        Assert.Equal([.. others.Append(Output).Order(StringComparer.Ordinal)], _disk.AllFiles);
    }

    [Fact]
    public async Task Two_restores_to_one_place_do_not_disturb_each_other()
    {
        var store = await StoreAsync();
        RestoreResult? second = null;
        var options = Options(
            overwrite: true, inspect: () => second = RunAsync(store, _disk, overwrite: true).GetAwaiter().GetResult());
        await new RestoreStep(store, _disk, TimeProvider.System).RunAsync(new RestoreTarget.Latest(), options, default);
        Assert.NotNull(second);
        AssertRestored(_disk);
    }

    [Fact]
    public async Task A_full_disk_is_reported_as_one()
    {
        var failures = new List<RestoreOutputException>();
        for (var failAt = 1; ; failAt++)
        {
            var faulty = new FaultyFileSystem(new MemoryFileSystem(), failAt, FileFault.DiskFull);
            try
            {
                await RunAsync(await StoreAsync(), faulty);
                if (!faulty.HasFailed)
                {
                    break;
                }
            }
            catch (RestoreOutputException e)
            {
                failures.Add(e);
            }
        }

        Assert.True(failures.Count > 5);
        Assert.All(failures, failure => Assert.True(failure.IsTransient));
        Assert.All(failures, failure => Assert.StartsWith("Free some space", failure.Hint, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(FileFault.Error, false)]
    [InlineData(FileFault.Error, true)]
    [InlineData(FileFault.DiskFull, true)]
    [InlineData(FileFault.ErrorAfterSuccess, false)]
    [InlineData(FileFault.ErrorAfterSuccess, true)]
    public async Task When_the_nth_file_operation_fails_the_old_database_or_the_whole_new_one_is_there(FileFault fault, bool hasOld)
    {
        for (var failAt = 1; ; failAt++)
        {
            var disk = new MemoryFileSystem();
            if (hasOld)
            {
                PutOldDatabase(disk);
            }

            var faulty = new FaultyFileSystem(disk, failAt, fault);
            var restore = RunAsync(await StoreAsync(), faulty, overwrite: hasOld);
            await Task.WhenAny(restore);
            Assert.Equal(0, disk.OpenHandles);
            if (restore.Exception is { } failure)
            {
                Assert.IsType<RestoreOutputException>(failure.InnerException);
                AssertOldOrNew(disk, hasOld, fault);
            }
            else
            {
                Assert.Equal(_history.At(4), disk.ReadAllBytes(Output));
                await RunAsync(await StoreAsync(), disk, overwrite: true);
            }

            if (!faulty.HasFailed)
            {
                break;
            }

            await RunAsync(await StoreAsync(), disk, overwrite: true);
            AssertRestored(disk);
        }
    }

    [Theory]
    [InlineData(StoreFault.Before)]
    [InlineData(StoreFault.Midway)]
    [InlineData(StoreFault.After)]
    public async Task When_every_store_call_from_the_nth_on_fails_nothing_has_changed(StoreFault fault)
    {
        PutOldDatabase(_disk);
        var before = _disk.AllFiles;
        var failures = 0;
        for (var failFrom = 1; failFrom <= Level.Count + 3; failFrom++)
        {
            var first = failFrom;
            try
            {
                await RunAsync(new FaultingStore(await StoreAsync(), call => call >= first ? fault : null), _disk, overwrite: true);
                Assert.NotEqual(StoreFault.Before, fault); // What breaks off goes on, however often that happens.
                PutOldDatabase(_disk);
            }
            catch (ReplicaStoreException)
            {
                failures++;
            }

            Assert.Equal(before, _disk.AllFiles);
            Assert.Equal(s_old, _disk.ReadAllBytes(Output));
        }

        Assert.True(failures >= Level.Count);
    }

    [Theory]
    [InlineData(StoreFault.Before)]
    [InlineData(StoreFault.Midway)]
    [InlineData(StoreFault.After)]
    public async Task A_file_that_breaks_off_once_is_read_on(StoreFault fault)
    {
        for (var failAt = Level.Count + 1; failAt <= Level.Count + 3; failAt++)
        {
            var disk = new MemoryFileSystem();
            var result = await RunAsync(FaultingStore.FailingAt(await StoreAsync(), failAt, fault), disk);
            Assert.Equal(result.Plan.TotalSizeBytes, result.BytesRead);
            AssertRestored(disk);
        }
    }

    [Fact]
    public async Task With_a_store_that_fails_at_random_each_attempt_leaves_nothing_or_the_whole_database()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var disk = new MemoryFileSystem();
            var store = FaultingStore.Seeded(await StoreAsync(), seed, probability: 0.15);
            while (true)
            {
                try
                {
                    await RunAsync(store, disk);
                    break;
                }
                catch (ReplicaStoreException e)
                {
                    Assert.True(e.IsTransient, $"seed {seed}: {e.Message}");
                    Assert.Empty(disk.AllFiles);
                }
            }

            AssertRestored(disk);
        }
    }

    [Fact]
    public async Task Cancelled_before_the_nth_store_call_or_file_operation_it_leaves_nothing_changed()
    {
        for (var cancelAt = 1; cancelAt <= Level.Count + 3; cancelAt++)
        {
            await AssertCancelledAsync(cancelAt, int.MaxValue);
        }

        for (var cancelAt = 1; await AssertCancelledAsync(int.MaxValue, cancelAt); cancelAt++)
        {
        }
    }

    [Theory]
    [InlineData(PowerLoss.Everything)]
    [InlineData(PowerLoss.Names)]
    [InlineData(PowerLoss.Contents)]
    [InlineData(PowerLoss.Mixed)]
    [InlineData(PowerLoss.Unordered)]
    public async Task A_power_loss_at_any_operation_never_leaves_an_old_wal_beside_the_new_database(PowerLoss loss)
    {
        var isDone = false;
        for (var failAt = 1; !isDone; failAt++)
        {
            for (var seed = 0; seed < (loss is PowerLoss.Mixed or PowerLoss.Unordered ? 10 : 1); seed++)
            {
                var disk = new MemoryFileSystem();
                PutOldDatabase(disk);
                disk.FailPowerAt(failAt);
                var restore = RunAsync(await StoreAsync(), disk, overwrite: true);
                await Task.WhenAny(restore);
                isDone = restore.IsCompletedSuccessfully && !disk.PowerHasFailed;
                disk.Restart(loss, seed);

                var found = disk.ReadAllBytes(Output);
                if (found.AsSpan().SequenceEqual(s_old))
                {
                    Assert.False(isDone, "What was reported as done is lost.");
                    AssertOldSidecarsAreSomewhere(disk);
                }
                else
                {
                    Assert.Equal(_history.At(4), found);
                    Assert.False(disk.FileExists(Output + "-wal"));
                    Assert.False(disk.FileExists(Output + "-journal"));
                }

                await RunAsync(await StoreAsync(), disk, overwrite: true);
                AssertRestored(disk);
            }
        }
    }

    [Fact]
    public async Task A_restore_on_the_real_disk_leaves_only_the_database()
    {
        using var folder = new TemporaryFolder();
        await new RestoreStep(await StoreAsync(), PhysicalFileSystem.Instance, TimeProvider.System)
            .RunAsync(new RestoreTarget.Latest(), new RestoreOptions { OutputPath = folder["sub/app.db"] }, default);
        Assert.Equal([folder["sub/app.db"]], Directory.GetFileSystemEntries(folder["sub"]));
        Assert.Equal(_history.At(4), await File.ReadAllBytesAsync(folder["sub/app.db"]));
    }

    private static void PutOldDatabase(MemoryFileSystem disk)
    {
        disk.WriteAllBytes(Output, s_old);
        disk.WriteAllBytes(Output + "-wal", s_oldWal);
        disk.WriteAllBytes(Output + "-journal", s_oldJournal);
    }

    private static RestoreOptions Options(bool overwrite = false, Action? inspect = null) => new()
    {
        OutputPath = Output,
        Overwrite = overwrite,
        Parallelism = 1,
        Inspect = inspect is null ? null : (_, _) =>
        {
            inspect();
            return ValueTask.CompletedTask;
        },
    };

    private static Task<RestoreResult> RunAsync(
        IReplicaStore store, IFileSystem disk, bool overwrite = false, CancellationToken cancellationToken = default)
        => new RestoreStep(store, disk, new ImpatientTime())
            .RunAsync(new RestoreTarget.Latest(), Options(overwrite), cancellationToken).AsTask();

    private static void AssertOldSidecarsAreSomewhere(MemoryFileSystem disk)
    {
        foreach (var (sidecar, content) in new[] { ("-wal", s_oldWal), ("-journal", s_oldJournal) })
        {
            var path = Assert.Single(
                disk.AllFiles, path => path == Output + sidecar || path.StartsWith($"/data/.app.db{sidecar}.", StringComparison.Ordinal));
            Assert.Equal(content, disk.ReadAllBytes(path));
        }
    }

    private Task<MemoryStore> StoreAsync() => _history.StoreAsync("9:1-2 0:3-3 0:4-4");

    private void AssertRestored(MemoryFileSystem disk)
    {
        Assert.Equal([Output], disk.AllFiles);
        Assert.Equal(_history.At(4), disk.ReadAllBytes(Output));
    }

    private void AssertOldOrNew(MemoryFileSystem disk, bool hasOld, FileFault fault)
    {
        Assert.DoesNotContain(disk.AllFiles, path => path.EndsWith(".tidemark-restore", StringComparison.Ordinal));
        if (disk.FileExists(Output) && disk.ReadAllBytes(Output).AsSpan().SequenceEqual(_history.At(4)))
        {
            // The rename itself, or what makes it durable, was reported as failed.
            Assert.False(disk.FileExists(Output + "-wal"));
            Assert.False(disk.FileExists(Output + "-journal"));
            return;
        }

        Assert.Equal(hasOld ? [Output, Output + "-journal", Output + "-wal"] : [], disk.AllFiles);
        Assert.True(!hasOld || disk.ReadAllBytes(Output).AsSpan().SequenceEqual(s_old), $"The old database was changed ({fault}).");
    }

    /// <summary>False when it ran through before it was cancelled.</summary>
    private async Task<bool> AssertCancelledAsync(int atStoreCall, int atFileOperation)
    {
        using var cancellation = new CancellationTokenSource();
        void CancelAt(int number, int at)
        {
            if (number == at)
            {
                cancellation.Cancel();
            }
        }

        var disk = new MemoryFileSystem();
        PutOldDatabase(disk);
        var before = disk.AllFiles;
        var faulty = new FaultyFileSystem(disk, failAt: 0) { BeforeOperation = operation => CancelAt(operation, atFileOperation) };
        var store = new FaultingStore(await StoreAsync(), _ => null) { BeforeCall = call => CancelAt(call, atStoreCall) };
        try
        {
            await RunAsync(store, faulty, overwrite: true, cancellation.Token);
            AssertRestored(disk); // It was past the point of no return.
        }
        catch (OperationCanceledException)
        {
            Assert.Equal(before, disk.AllFiles);
            Assert.Equal(s_old, disk.ReadAllBytes(Output));
        }

        return cancellation.IsCancellationRequested;
    }
}
