using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Checkpoints;

public sealed class CheckpointStepTests
{
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

    [Fact]
    public void A_wal_that_another_reader_uses_is_pinned_and_the_write_lock_is_not_taken()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        using var reader = SourceDatabase.Open(scene.DatabasePath);
        reader.Run("BEGIN");
        reader.RunLong("SELECT count(*) FROM t");
        scene.Source.Insert(10);

        var result = scene.Seal();

        Assert.False(result.IsSealed);
        Assert.True(result.IsPinned);
        Assert.Equal(TimeSpan.Zero, result.WriteLockHeld);
    }
}
