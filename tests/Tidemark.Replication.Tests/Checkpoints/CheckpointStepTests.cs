using Tidemark.Replicas.Files;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Checkpoints;

public sealed class CheckpointStepTests
{
    [Fact]
    public void A_seal_lets_the_next_writer_start_the_wal_over()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(1000);
        var result = scene.Seal();
        var length = new FileInfo(scene.DatabasePath + "-wal").Length;

        scene.Source.Insert(1);
        scene.Capture();

        Assert.True(result.IsSealed);
        Assert.InRange(scene.Position.Frame, 1u, 5u);
        Assert.Equal(length, new FileInfo(scene.DatabasePath + "-wal").Length);
    }

    [Fact]
    public async Task A_reader_that_pins_the_wal_leaves_it_appending_and_nothing_is_lost()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        using var reader = SourceDatabase.Open(scene.DatabasePath);
        reader.Run("BEGIN");
        reader.Run("SELECT count(*) FROM t");
        scene.Source.Insert(100);

        var pinned = scene.Seal();
        var frame = scene.Position.Frame;
        scene.Source.Insert(10);
        scene.Capture();

        Assert.True(pinned.IsPinned);
        Assert.False(pinned.IsSealed);
        Assert.True(scene.Position.Frame > frame);
        reader.Run("COMMIT");
        Assert.True(scene.Seal().IsSealed);
        scene.Source.Insert(10);
        scene.Capture();
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_writer_that_holds_the_lock_is_not_waited_for_longer_than_the_busy_timeout()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        using var writer = SourceDatabase.Open(scene.DatabasePath);
        writer.Run("BEGIN IMMEDIATE");

        var result = scene.Seal();

        Assert.Equal((CheckpointAction.Seal, false, TimeSpan.Zero), (result.Action, result.IsSealed, result.WriteLockHeld));
        writer.Insert(5);
        writer.Run("COMMIT");
        scene.Capture();
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task The_last_frames_before_a_seal_are_captured_under_the_lock()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        var txid = scene.Position.Txid;
        scene.Source.Insert(5);

        // Straight to the step: these frames were committed after the last capture.
        var result = new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Seal);
        scene.Note();

        Assert.True(result.IsSealed);
        Assert.True(scene.Position.Txid > txid);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public void A_sealed_wal_that_nobody_writes_is_left_alone()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        var step = new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.FromSeconds(1)));
        Assert.True(step.Run().IsSealed);
        scene.Time.Advance(TimeSpan.FromHours(1));

        Assert.False(step.IsDue);
        Assert.Equal(CaptureOutcome.Idle, scene.Capture().Outcome);
        Assert.Equal(default, step.Run());
    }

    [Fact]
    public async Task A_wal_that_grows_during_the_drain_is_sealed_all_the_same()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Source.Insert(10); // As a writer would that does not wait for the drain.

        var result = new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Seal);

        scene.Note();
        Assert.True(result.IsSealed);
        Assert.False(result.IsPinned);
        Assert.True(result.Progress.IsComplete);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public void A_drain_that_leaves_only_frames_newer_than_the_guard_is_not_pinned()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Source.Insert(10);

        var result = new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Drain);

        Assert.False(result.Progress.IsComplete);
        Assert.False(result.IsPinned);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_that_is_replaced_before_or_during_the_drain_is_left_to_the_next_capture(bool isBefore)
    {
        using var folder = new TemporaryFolder();
        var path = folder["app.db"];
        var source = SourceDatabase.Open(path);
        source.CreateTable();
        source.Insert(100);
        var time = new HookedTime();
        var files = PhysicalFileSystem.Instance;
        using var database = new CapturedDatabase(
            path, Spool.Open(files, Spool.DefaultPath(files, path)), files, time, new CaptureSettings(long.MaxValue, TimeSpan.Zero, 1));
        CaptureStep.Run(database);
        var step = new CheckpointStep(database, new CheckpointPolicy(1, TimeSpan.Zero));
        if (isBefore)
        {
            Replace();
        }
        else
        {
            time.Asked = Replace; // The step notes the time after it has looked at the file.
        }

        Assert.False(step.Run(CheckpointAction.Seal).IsSealed);
        Assert.False(File.Exists(path));
        Assert.Equal(CaptureOutcome.NoDatabase, CaptureStep.Run(database).Outcome);

        void Replace()
        {
            time.Asked = null;
            source.Dispose();
            foreach (var suffix in (string[])["", "-wal", "-shm"])
            {
                File.Delete(path + suffix);
            }
        }
    }

    private sealed class HookedTime : TimeProvider
    {
        public Action? Asked { get; set; }

        public override long GetTimestamp()
        {
            Asked?.Invoke();
            return base.GetTimestamp();
        }
    }
}
