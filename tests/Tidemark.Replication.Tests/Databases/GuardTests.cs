using Tidemark.Formats.Wal;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

public sealed class GuardTests
{
    [Fact]
    public async Task A_capture_moves_the_guard_on_without_a_second_connection()
    {
        using var scene = new CaptureScene();
        scene.Capture();
        var guard = scene.Database.Live!.Guard;
        for (var i = 0; i < 20; i++)
        {
            scene.Source.Insert(10);
            scene.Capture();
            Assert.Equal(scene.Position.Frame, guard.GetSnapshot().FrameCount);
        }

        Assert.Same(guard, scene.Database.Live.Guard);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public void A_look_tells_whether_anything_was_committed()
    {
        using var scene = new CaptureScene();
        Assert.Equal(WalLook.CannotTell, scene.Database.LookAtWal());
        scene.Capture();
        Assert.Equal(WalLook.Nothing, scene.Database.LookAtWal());

        scene.Source.Run("BEGIN IMMEDIATE");
        scene.Source.Insert(10);
        Assert.Equal(WalLook.Nothing, scene.Database.LookAtWal());
        scene.Source.Run("COMMIT");
        Assert.Equal(WalLook.New, scene.Database.LookAtWal());

        scene.Capture();
        Assert.Equal(WalLook.Nothing, scene.Database.LookAtWal());
        Assert.True(scene.Seal().IsSealed);
        Assert.Equal(WalLook.Nothing, scene.Database.LookAtWal());
        scene.Source.Insert(1);
        Assert.Equal(WalLook.New, scene.Database.LookAtWal());
    }

    [Fact]
    public void A_look_costs_no_memory()
    {
        using var scene = new CaptureScene();
        scene.Capture();
        Assert.Equal(WalLook.Nothing, scene.Database.LookAtWal());

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = scene.Database.LookAtWal();
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public async Task A_guard_at_mark_0_is_followed_by_one_in_the_wal_that_started_over()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        Assert.True(scene.Seal().IsSealed);
        var salts = scene.Position.Salts;
        scene.Source.Insert(10);
        using var other = SourceDatabase.Open(scene.DatabasePath);
        other.Run("PRAGMA busy_timeout=0");

        // Nobody gets the new frames into the file, so nobody can start the WAL over once more.
        other.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        scene.Source.Insert(10);

        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        Assert.NotEqual(salts, scene.Position.Salts);
        Assert.Equal(scene.Position.Frame, scene.Database.Live!.Guard.GetSnapshot().FrameCount);
        other.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        scene.Source.Insert(10);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_checkpoint_of_others_that_waits_for_the_guard_is_not_kept_waiting_by_the_lock_that_it_holds_itself()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        var guard = scene.Database.Live!.Guard;
        scene.Source.Insert(10);

        // A FULL checkpoint waits for the guard, and holds the checkpoint lock while it does. For that lock itself it does not wait.
        using var waiting = SourceDatabase.Open(scene.DatabasePath);
        using var asking = SourceDatabase.Open(scene.DatabasePath);
        var checkpoint = Task.Run(
            () =>
            {
                while (waiting.RunLong("PRAGMA wal_checkpoint(FULL)") != 0)
                {
                }
            },
            TestContext.Current.CancellationToken);
        while (asking.RunLong("PRAGMA wal_checkpoint(PASSIVE)") == 0)
        {
        }

        Assert.False(guard.TryMoveTo(scene.Database.Live.ReadNewest()));
        Assert.True(guard.IsReading);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);

        Assert.NotSame(guard, scene.Database.Live.Guard);
        Assert.True(scene.Database.GuardIsUninterrupted);
        await checkpoint;
        scene.Source.Insert(5);
        scene.Capture();
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task Writers_and_checkpoints_of_others_at_full_speed_lose_nothing()
    {
        using var scene = new CaptureScene();
        scene.Capture();
        using var stop = new CancellationTokenSource();
        var others = Enumerable.Range(0, 2).Select(number => Task.Run(() =>
        {
            using var other = SourceDatabase.Open(scene.DatabasePath, autoCheckpoint: 7);
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                other.Insert(1 + (i % 9));
                other.Run($"PRAGMA wal_checkpoint({(number == 0 ? "PASSIVE" : "FULL")})");
            }
        })).ToArray();
        for (var i = 0; i < 150; i++)
        {
            var result = CaptureStep.Run(scene.Database);
            Assert.True(result.Outcome is CaptureOutcome.Frames or CaptureOutcome.Idle, result.ToString());
            Assert.True(scene.Database.GuardIsUninterrupted);
        }

        await stop.CancelAsync();
        while (others.Any(other => !other.IsCompleted))
        {
            CaptureStep.Run(scene.Database); // A FULL checkpoint waits for the guard to move on.
        }

        await Task.WhenAll(others);
        scene.Capture();
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task Closing_the_second_connection_leaves_the_guard_in_force_against_other_processes()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();

        // A drain opens and closes a second connection to the same files in this process.
        new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Drain);
        scene.Source.Insert(10);
        Assert.StartsWith("1|", OtherProcess.Run(scene.DatabasePath, "PRAGMA wal_checkpoint(TRUNCATE)"), StringComparison.Ordinal);

        scene.Capture();
        scene.Database.Close();
        Assert.StartsWith("0|", OtherProcess.Run(scene.DatabasePath, "PRAGMA wal_checkpoint(TRUNCATE)"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wal_whose_writer_was_killed_before_its_first_commit_is_an_empty_one()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        Assert.True(scene.Seal().IsSealed);
        scene.Source.KeepWalOnClose();
        scene.Stop();
        scene.Source.Dispose();
        using (var wal = scene.Files.Open(scene.DatabasePath + "-wal", FileMode.Open, FileAccess.ReadWrite))
        {
            wal.SetLength(WalHeader.Size);
        }

        File.Delete(scene.DatabasePath + "-shm");
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Start();

        Assert.Equal(CaptureOutcome.NoDifference, scene.Capture().Outcome);
        scene.Source.Insert(10);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_removed_table_of_page_checksums_is_built_again()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        File.Delete(scene.Spool.PageChecksumsPath);
        scene.Source.Insert(10);
        scene.Capture();
        scene.Source.Insert(10);
        scene.Capture();

        Assert.True(File.Exists(scene.Spool.PageChecksumsPath));
        Assert.NotNull((await scene.ReadHeaderAsync(scene.Position.Txid)).Proof.Before);
        await scene.AssertAllRestoreAsync();
    }
}
