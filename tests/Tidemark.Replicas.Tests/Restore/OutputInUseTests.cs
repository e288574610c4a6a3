using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Follow;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>A database that somebody has open is not replaced under them, on the real disk, with real users.</summary>
public sealed class OutputInUseTests : IDisposable
{
    private readonly History _history = new History(512).CaptureAtRandom(seed: 31, captures: 2, pagesMax: 9);
    private readonly TemporaryFolder _folder = new();

    public OutputInUseTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems do not tell who uses a file.");

    private string Output => _folder["app.db"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task A_database_at_rest_that_another_process_has_open_is_not_replaced(string journalMode)
    {
        using (var user = new ReaderProcess(Output))
        {
            await WriteAsync(user, journalMode);
            var before = Read();

            var failure = await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync());

            Assert.Equal($"Cannot restore, process {user.Id} has the output open: {Output}.", failure.Message);
            Assert.Contains("-force-in-use", failure.Hint, StringComparison.Ordinal);
            Assert.False(failure.IsTransient);
            Assert.Equal(before, Read());
            Assert.Equal("[(1,)]", await user.RunAsync("SELECT count(*) FROM t"));
        }

        await RestoreAsync();
        Assert.Equal(_history.At(2), PlainFile.Read(Output));
        Assert.Equal([Output], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task An_open_database_is_replaced_when_that_is_said()
    {
        using var user = new ReaderProcess(Output);
        await WriteAsync(user, "wal");
        await RestoreAsync(overwriteOpen: true);
        Assert.Equal(_history.At(2), PlainFile.Read(Output));
        Assert.Equal([Output], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task A_user_that_shows_nothing_but_its_locks_is_seen()
    {
        using (var user = new ReaderProcess(Output))
        {
            await WriteAsync(user, "wal");
        }

        await UnixTools.LinkAsync(Output, _folder["other.db"]); // Its handles have another name, as those of another container have none that can be seen.
        using (var user = new ReaderProcess(_folder["other.db"]))
        {
            await user.RunAsync("SELECT count(*) FROM t");
            var failure = await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync());
            Assert.Equal($"Cannot restore, process {user.Id} has the output open: {Output}.", failure.Message);
        }

        await RestoreAsync();
    }

    [Fact]
    public async Task A_user_of_the_wal_index_alone_is_seen()
    {
        using var user = new ReaderProcess(Output);
        await WriteAsync(user, "wal");
        File.Move(Output, _folder["moved.db"]); // The user has it under that name now.
        await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync());
    }

    [Fact]
    public async Task A_database_that_is_opened_while_the_new_one_is_built_is_not_replaced()
    {
        using (var first = new ReaderProcess(Output))
        {
            await WriteAsync(first, "wal");
        }

        var before = Read();
        using var user = new ReaderProcess(Output);
        await Assert.ThrowsAsync<RestoreOutputException>(
            () => RestoreAsync(inspect: async () => Assert.Equal("[(1,)]", await user.RunAsync("SELECT count(*) FROM t"))));
        Assert.Equal(before[..24], Read()[..24]);
        Assert.Equal("[(1,)]", await user.RunAsync("SELECT count(*) FROM t"));
        Assert.Equal([Output, $"{Output}-shm", $"{Output}-wal"], Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_empty_file_that_somebody_has_open_is_not_replaced_either()
    {
        using var user = new ReaderProcess(Output);
        await user.RunAsync("PRAGMA schema_version");
        await user.RunAsync("BEGIN IMMEDIATE");
        Assert.Equal(0, new FileInfo(Output).Length);
        await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync(overwrite: false));
    }

    [Fact]
    public async Task A_database_that_this_process_has_open_is_not_replaced_and_keeps_its_locks()
    {
        using var own = SourceDatabase.Open(Output, journalMode: "delete");
        own.CreateTable();
        own.Run("BEGIN IMMEDIATE");
        own.Insert(1);

        var failure = await Assert.ThrowsAsync<RestoreOutputException>(() => RestoreAsync());

        Assert.Equal($"Cannot restore, this process itself has the output open: {Output}.", failure.Message);
        using var other = new ReaderProcess(Output);
        await other.RunAsync("PRAGMA busy_timeout=0");
        Assert.Equal("OperationalError('database is locked')", await other.RunAsync("BEGIN IMMEDIATE"));
    }

    [Fact]
    public async Task A_forced_follower_does_not_replace_what_somebody_has_open()
    {
        using var user = new ReaderProcess(Output);
        await WriteAsync(user, "delete");
        var before = Read();
        using var history = new SqliteHistory();
        var store = await history.Capture().Files.StoreAsync("0:1-1");
        var options = new FollowOptions { OutputPath = Output, Overwrite = true };
        using (var step = new FollowStep(store, PhysicalFileSystem.Instance, TimeProvider.System, options))
        {
            await Assert.ThrowsAsync<RestoreOutputException>(() => step.RunAsync(TestContext.Current.CancellationToken).AsTask());
        }

        Assert.Equal(before, Read());
        using var forced = new FollowStep(store, PhysicalFileSystem.Instance, TimeProvider.System, options with { OverwriteOpen = true });
        Assert.Equal(FollowOutcome.Restored, (await forced.RunAsync(TestContext.Current.CancellationToken)).Outcome);
    }

    private static async Task WriteAsync(ReaderProcess user, string journalMode)
    {
        Assert.Equal($"[('{journalMode}',)]", await user.RunAsync($"PRAGMA journal_mode={journalMode}"));
        Assert.Equal("[]", await user.RunAsync("CREATE TABLE t(a)"));
        Assert.Equal("[]", await user.RunAsync("INSERT INTO t VALUES(1)"));
    }

    private byte[] Read() => PlainFile.Read(Output);

    private async Task<MemoryStore> StoreAsync() => await _history.StoreAsync("0:1-1 0:2-2");

    private async Task RestoreAsync(bool overwrite = true, bool overwriteOpen = false, Func<Task>? inspect = null)
        => await new RestoreStep(await StoreAsync(), PhysicalFileSystem.Instance, TimeProvider.System).RunAsync(
            new RestoreTarget.Latest(),
            new RestoreOptions
            {
                OutputPath = Output,
                Overwrite = overwrite,
                OverwriteOpen = overwriteOpen,
                Inspect = async (_, _) => await (inspect?.Invoke() ?? Task.CompletedTask),
            },
            TestContext.Current.CancellationToken);
}
