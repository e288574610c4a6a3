using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

/// <summary>The handles that a second connection leaves behind are closed, and nobody can use the moment at which that is done.</summary>
/// <remarks>The application is another process here: a connection of this one would keep its locks up.</remarks>
public sealed class LeftHandleTests
{
    private const string Insert = "INSERT INTO t(data) VALUES(randomblob(5000))";
    private static readonly TimeSpan s_busyTimeout = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task An_active_database_holds_three_handles_after_any_number_of_checkpoints()
    {
        using var scene = StartScene();
        var checkpoint = new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero));
        for (var i = 0; i < 6; i++)
        {
            OtherProcess.Run(scene.DatabasePath, Insert);
            Assert.Equal(CaptureOutcome.Frames, CaptureStep.Run(scene.Database).Outcome);
            Assert.Equal(["app.db", "app.db-shm", "app.db-wal"], HandlesOf(scene.Folder.Path));
            checkpoint.Run(i % 2 == 0 ? CheckpointAction.Seal : CheckpointAction.Drain);
            Assert.Equal(["app.db", "app.db-shm", "app.db-wal"], HandlesOf(scene.Folder.Path));
            Assert.True(scene.Database.GuardIsUninterrupted);
        }

        await AssertRestoresAsync(scene);
    }

    [Fact]
    public async Task Who_closes_the_database_as_the_last_one_in_that_moment_leaves_the_wal()
    {
        using var scene = StartScene();
        OtherProcess.Run(scene.DatabasePath, Insert);
        var before = NumberOf(scene, scene.DatabasePath + "-wal");

        Assert.True(InTheMoment(scene, () => OtherProcess.Run(scene.DatabasePath, Insert)));

        Assert.Equal(before, NumberOf(scene, scene.DatabasePath + "-wal"));
        Assert.Equal(CaptureOutcome.Frames, CaptureStep.Run(scene.Database).Outcome);
        await AssertRestoresAsync(scene);
    }

    [Theory]
    [InlineData("PRAGMA journal_mode=DELETE")]
    [InlineData("PRAGMA locking_mode=EXCLUSIVE; " + Insert)]
    public async Task Who_wants_the_database_for_himself_in_that_moment_is_refused(string sql)
    {
        using var scene = StartScene();
        var answer = string.Empty;

        Assert.True(InTheMoment(scene, () => answer = OtherProcess.Run(scene.DatabasePath, sql)));

        Assert.Contains("locked", answer, StringComparison.Ordinal);
        Assert.Equal("wal\n", OtherProcess.Run(scene.DatabasePath, "PRAGMA journal_mode"));
        OtherProcess.Run(scene.DatabasePath, Insert);
        Assert.Equal(CaptureOutcome.Frames, CaptureStep.Run(scene.Database).Outcome);
        await AssertRestoresAsync(scene);
    }

    [Fact]
    public void A_guard_stands_in_the_wal_also_after_that_moment()
    {
        using var scene = StartScene();
        OtherProcess.Run(scene.DatabasePath, Insert);
        CaptureStep.Run(scene.Database);
        OtherProcess.Run(scene.DatabasePath, Insert);

        Assert.True(InTheMoment(scene, () => { }));

        Assert.StartsWith("1|", OtherProcess.Run(scene.DatabasePath, "PRAGMA wal_checkpoint(TRUNCATE)"), StringComparison.Ordinal);
        Assert.Contains("locked", OtherProcess.Run(scene.DatabasePath, "PRAGMA journal_mode=DELETE"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_takes_the_place_of_the_database_in_that_moment_is_noticed_as_ever()
    {
        using var scene = StartScene();
        OtherProcess.Run(scene.Folder["other.db"], "CREATE TABLE other(a)");

        Assert.True(InTheMoment(scene, () => scene.Files.Move(scene.Folder["other.db"], scene.DatabasePath)));

        var e = Assert.Throws<DatabaseException>(() => CaptureStep.Run(scene.Database));
        Assert.Contains("another file took the place", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guard_that_does_not_get_its_lock_again_is_given_up_and_the_next_capture_continues()
    {
        using var scene = StartScene();
        OtherProcess.Run(scene.DatabasePath, Insert);
        CaptureStep.Run(scene.Database);
        using (var other = OtherProcess.KeepFromNewLocks(scene.DatabasePath))
        {
            new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Drain);
            Assert.Null(scene.Database.Live);
            Assert.Empty(HandlesOf(scene.Folder.Path));
            Assert.Equal(WalLook.CannotTell, scene.Database.LookAtWal());
            other.StandardInput.Close();
            other.WaitForExit();
        }

        using (var source = SourceDatabase.Open(scene.DatabasePath))
        {
            source.Insert(10);
            source.KeepWalOnClose();
        }

        Assert.Equal(CaptureOutcome.Frames, CaptureStep.Run(scene.Database).Outcome);
        Assert.True(scene.Database.GuardIsUninterrupted);
        await AssertRestoresAsync(scene);
    }

    [Fact]
    public async Task An_application_that_is_started_again_and_again_beside_many_checkpoints_loses_nothing()
    {
        using var scene = StartScene();
        var application = Task.Run(
            () =>
            {
                for (var i = 0; i < 40; i++)
                {
                    Assert.Equal("30000\n", OtherProcess.Run(scene.DatabasePath, $"PRAGMA busy_timeout=30000; {Insert}"));
                }
            },
            TestContext.Current.CancellationToken);
        var checkpoint = new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero));
        for (var i = 0; !application.IsCompleted; i++)
        {
            CaptureStep.Run(scene.Database);
            checkpoint.Run(i % 2 == 0 ? CheckpointAction.Seal : CheckpointAction.Drain);
        }

        await application;
        CaptureStep.Run(scene.Database);
        Assert.Equal(["app.db", "app.db-shm", "app.db-wal"], HandlesOf(scene.Folder.Path));
        await AssertRestoresAsync(scene);
        Assert.Equal(40, scene.Source.RunLong("SELECT count(*) FROM t"));
        Assert.Equal("ok", scene.Source.Run("PRAGMA integrity_check"));
    }

    // Captured once, and open in no other process.
    private static CaptureScene StartScene()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the handles stay.");
        var scene = new CaptureScene();
        scene.Source.KeepWalOnClose();
        scene.Source.Dispose();
        scene.Restart();
        CaptureStep.Run(scene.Database);
        return scene;
    }

    private static bool InTheMoment(CaptureScene scene, Action act)
    {
        var guard = scene.Database.Live!.Guard;
        Assert.True(scene.Database.Live.TryOpenSecond());
        Assert.True(scene.Database.Live.TryRest());
        return guard.TryCloseLeftHandles(s_busyTimeout, act) && guard.IsReading;
    }

    private static ulong NumberOf(CaptureScene scene, string path) => scene.Files.TryGetStamp(path)!.Value.Number;

    private static async Task AssertRestoresAsync(CaptureScene scene)
    {
        CaptureStep.Run(scene.Database);
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        await scene.AssertNewestIsProvenAsync();
    }

    // Of the database and what lies beside it; the spool's lock is one handle for the process.
    private static string[] HandlesOf(string folder) =>
    [
        .. new DirectoryInfo("/proc/self/fd").EnumerateFiles()
            .Select(handle => handle.LinkTarget)
            .Where(target => target is not null && Path.GetDirectoryName(target) == folder)
            .Select(target => Path.GetFileName(target)!)
            .Order(),
    ];
}
