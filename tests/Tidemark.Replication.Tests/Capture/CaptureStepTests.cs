using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replication.Capture;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

public sealed class CaptureStepTests
{
    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task Every_capture_restores_to_what_sqlite_said_the_database_was(int pageSize)
    {
        using var scene = new CaptureScene(pageSize);
        for (var i = 0; i < 20; i++)
        {
            scene.Source.Insert(rows: 1 + (i * 7));
            scene.Source.Run($"DELETE FROM t WHERE id % 5 = {i % 5}");
            scene.Capture();
        }

        Assert.Equal(new Txid(20), scene.Position.Txid);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public void Nothing_new_makes_no_file()
    {
        using var scene = new CaptureScene();
        scene.Capture();
        var txid = scene.Position.Txid;

        var result = scene.Capture();

        Assert.Equal(CaptureOutcome.Idle, result.Outcome);
        Assert.Equal(txid, scene.Position.Txid);
        Assert.Single(scene.Spool.ListCaptures());
    }

    [Fact]
    public void Capture_leaves_nothing_in_the_users_schema()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Seal();

        Assert.Equal(1, scene.Source.RunLong("SELECT count(*) FROM sqlite_master"));
        Assert.Equal(0, scene.Source.RunLong("PRAGMA user_version"));
    }

    [Fact]
    public async Task A_wal_that_starts_over_after_a_seal_is_captured_from_its_first_frame()
    {
        using var scene = new CaptureScene();
        for (var i = 0; i < 10; i++)
        {
            scene.Source.Insert(50);
            scene.Capture();
            var salts = scene.Position.Salts;
            Assert.True(scene.Seal().IsSealed);
            scene.Source.Insert(1);
            var result = scene.Capture();
            Assert.Equal(CaptureOutcome.Frames, result.Outcome);
            Assert.NotEqual(salts, scene.Position.Salts);
        }

        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task Foreign_checkpoints_of_every_mode_lose_nothing_while_a_guard_is_held()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        using var other = SourceDatabase.Open(scene.DatabasePath);
        other.Run("PRAGMA busy_timeout=0");
        foreach (var mode in (string[])["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
        {
            scene.Source.Insert(20);
            other.Run($"PRAGMA wal_checkpoint({mode})");
            scene.Source.Insert(20);
            Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
            other.Run($"PRAGMA wal_checkpoint({mode})");
            scene.Seal();
            other.Run($"PRAGMA wal_checkpoint({mode})");
            scene.Source.Insert(20);
            other.Run($"PRAGMA wal_checkpoint({mode})");
            Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        }

        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_large_wal_is_taken_in_pieces_that_end_on_commits()
    {
        using var scene = new CaptureScene(captureBytesMax: 64 * 1024);
        scene.Capture();
        for (var i = 0; i < 40; i++)
        {
            scene.Source.Insert(100);
        }

        var first = CaptureStep.Run(scene.Database);
        Assert.True(first.HasMore);
        scene.Capture();

        Assert.True(scene.Position.Txid.Value > 5);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_writer_that_never_pauses_cannot_make_captures_endless()
    {
        using var scene = new CaptureScene(captureBytesMax: 64 * 1024);
        scene.Capture();
        for (var i = 0; i < 20; i++)
        {
            scene.Source.Insert(100);
        }

        // Between two captures more is written than one capture takes.
        var last = CaptureStep.Run(scene.Database, _ =>
        {
            scene.Source.Insert(1000);
            return true;
        });

        Assert.False(last.HasMore);
        Assert.True(scene.Database.GuardIsUninterrupted);
        Assert.InRange(scene.Position.Txid.Value, 3UL, 20UL);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task One_transaction_is_never_split()
    {
        using var scene = new CaptureScene(captureBytesMax: 64 * 1024);
        scene.Capture();
        scene.Source.Insert(20_000);

        Assert.False(CaptureStep.Run(scene.Database).HasMore);
        scene.Note();
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task Shrinking_and_growing_by_incremental_vacuum_and_vacuum_is_captured()
    {
        using var scene = new CaptureScene(pageSize: 1024, incrementalVacuum: true);
        for (var i = 0; i < 5; i++)
        {
            scene.Source.Insert(500);
            scene.Capture();
            scene.Source.Run("DELETE FROM t WHERE id % 3 > 0");
            scene.Source.Run("PRAGMA incremental_vacuum(50)");
            scene.Capture();
            scene.Source.Run("DELETE FROM t WHERE id % 2 = 0");
            scene.Source.Run("VACUUM");
            scene.Capture();
            scene.Seal();
        }

        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_transaction_that_is_rolled_back_or_still_open_is_not_captured()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        using var writer = SourceDatabase.Open(scene.DatabasePath);
        writer.Run("PRAGMA cache_size=1");
        writer.Run("BEGIN IMMEDIATE");
        writer.Insert(2000);

        // With a cache of one page the open transaction has spilled frames into the WAL.
        Assert.Equal(CaptureOutcome.Idle, scene.Capture().Outcome);
        writer.Run("ROLLBACK");
        Assert.Equal(CaptureOutcome.Idle, scene.Capture().Outcome);
        scene.Source.Insert(1);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task Every_file_proves_the_state_before_and_after_it()
    {
        using var scene = new CaptureScene();
        var after = default(DatabaseChecksum?);
        for (var i = 0; i < 8; i++)
        {
            scene.Source.Insert(100);
            scene.Source.Run($"DELETE FROM t WHERE id % 7 = {i}");
            if (i == 5)
            {
                scene.Source.Run("VACUUM");
            }

            scene.Capture();
            var header = await scene.ReadHeaderAsync(scene.Position.Txid);
            var image = scene.Source.Serialize();
            var expected = DatabaseChecksum.Empty;
            for (var page = 0; page < image.Length / 4096; page++)
            {
                expected = expected.Toggle(DatabaseChecksum.OfPage((uint)page + 1, image.AsSpan(page * 4096, 4096)));
            }

            Assert.Equal(after, header.Proof.Before);
            Assert.Equal(expected, header.Proof.After);
            Assert.Equal(scene.Database.Lineage, header.Lineage);
            after = expected;
        }
    }

    [Fact]
    public async Task A_capture_that_cannot_be_written_leaves_everything_as_it_was()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        var position = scene.Position;
        scene.Source.Insert(10);
        Directory.Move(Path.Combine(scene.SpoolPath, "ltx"), Path.Combine(scene.SpoolPath, "away"));
        await File.WriteAllLinesAsync(Path.Combine(scene.SpoolPath, "ltx"), ["in the way"], TestContext.Current.CancellationToken);

        Assert.ThrowsAny<IOException>(() => CaptureStep.Run(scene.Database));

        Assert.Equal(position, scene.Position);
        File.Delete(Path.Combine(scene.SpoolPath, "ltx"));
        Directory.Move(Path.Combine(scene.SpoolPath, "away"), Path.Combine(scene.SpoolPath, "ltx"));
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_writer_that_holds_the_lock_does_not_hold_up_the_first_image()
    {
        using var scene = new CaptureScene();
        using var writer = SourceDatabase.Open(scene.DatabasePath);
        writer.Run("BEGIN IMMEDIATE");

        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);

        writer.Run("ROLLBACK");
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_busy_database_whose_wal_is_empty_fails_the_first_image_in_passing()
    {
        using var scene = new CaptureScene();
        scene.Source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        using var writer = SourceDatabase.Open(scene.DatabasePath);
        writer.Run("BEGIN IMMEDIATE");

        var failure = Assert.ThrowsAny<TidemarkException>(() => CaptureStep.Run(scene.Database));

        Assert.True(failure.IsTransient);
        writer.Run("ROLLBACK");
        scene.Capture();
        await scene.AssertAllRestoreAsync();
    }
}
