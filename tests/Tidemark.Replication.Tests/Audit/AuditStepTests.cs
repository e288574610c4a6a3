using Tidemark.Replication.Audit;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Replication.Tests.Databases;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replication.Tests.Audit;

/// <summary>What an audit says of a database that is what was captured, and of one that is not.</summary>
public sealed class AuditStepTests
{
    private const string Foreign = "not written by SQLite";
    private const long Whole = long.MaxValue;
    private static readonly DateTimeOffset s_moment = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_database_that_was_captured_is_equal_with_all_its_pages()
    {
        using var scene = Captured(rows: 3000);
        var progress = new AuditProgress(s_moment);

        var result = AuditStep.Run(scene.Database, progress, Whole);

        Assert.Equal((AuditStepOutcome.Equal, scene.Position.Txid), (result.Outcome, result.Txid));
        Assert.Equal(scene.Position.PageCount, progress.PageCount);
        Assert.Equal(CaptureOutcome.Idle, scene.Capture().Outcome);
    }

    [Fact]
    public void A_piece_is_bounded_and_the_next_one_goes_on_after_it()
    {
        using var scene = Captured(rows: 60_000);
        var progress = new AuditProgress(s_moment);
        var pages = 0L;
        var pieces = 0;
        for (var outcome = AuditStepOutcome.GoesOn; outcome == AuditStepOutcome.GoesOn; pieces++)
        {
            var result = AuditStep.Run(scene.Database, progress, bytesMax: 1);
            Assert.True(result.BytesRead <= 1 << 20);
            (outcome, pages) = (result.Outcome, pages + result.PageCount);
        }

        Assert.True(pieces > 5, $"{pieces} pieces");
        Assert.Equal((scene.Position.PageCount, scene.Position.PageCount), (pages, progress.PageCount));
    }

    [Fact]
    public void What_is_committed_but_not_captured_yet_is_captured_before_it_is_compared()
    {
        using var scene = Captured();
        var before = scene.Position.Txid;
        scene.Source.Insert(500);

        var result = AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole);

        Assert.Equal((AuditStepOutcome.Equal, before.Next()), (result.Outcome, result.Txid));
    }

    [Fact]
    public async Task Bytes_that_somebody_else_wrote_into_a_database_at_rest_are_found_and_captured_at_once()
    {
        using var scene = Captured(rows: 3000);
        Assert.True(scene.Seal().IsSealed);
        await scene.ShipAsync();
        OverwriteUnseen(scene, (40 * 4096) + 100, Foreign);
        OverwriteUnseen(scene, (50 * 4096) + 100, Foreign);
        OverwriteUnseen(scene, (51 * 4096) + 100, Foreign);

        var result = AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole);

        Assert.Equal((AuditStepOutcome.Different, 3L), (result.Outcome, result.DifferentPages));
        Assert.Equal([41, 51, 52], result.FirstDifferent);
        Assert.Null(scene.Database.Live);

        var capture = CaptureStep.Run(scene.Database);
        Assert.Equal((CaptureOutcome.Difference, Discontinuity.AuditFoundDifference), (capture.Outcome, capture.Discontinuity));
        Assert.True(capture.PageCount is 3 or 4, $"{capture.PageCount} pages"); // With the frame that keeps the WAL in its place.
        await scene.ShipAsync();
        var restored = await NaiveRestore.RunAsync(scene.Store, scene.Position.Txid, TestContext.Current.CancellationToken);
        foreach (var page in (int[])[40, 50, 51])
        {
            Assert.Equal(Foreign, System.Text.Encoding.UTF8.GetString(restored, (page * 4096) + 100, Foreign.Length));
        }

        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);
    }

    [Fact]
    public void A_difference_in_a_later_piece_counts_those_before_it_too()
    {
        using var scene = Captured(rows: 60_000);
        Assert.True(scene.Seal().IsSealed);
        var progress = new AuditProgress(s_moment);
        Assert.Equal(AuditStepOutcome.GoesOn, AuditStep.Run(scene.Database, progress, 1).Outcome);
        OverwriteUnseen(scene, 10 * 4096, Foreign);
        OverwriteUnseen(scene, progress.NextPage * 4096, Foreign);

        var result = AuditStep.Run(scene.Database, progress, 1);

        Assert.Equal((AuditStepOutcome.Different, 2L), (result.Outcome, result.DifferentPages));
    }

    [Fact]
    public async Task A_table_of_page_checksums_that_is_wrong_is_found_and_made_anew()
    {
        using var scene = Captured();
        OtherProcess.Overwrite(Path.Combine(scene.SpoolPath, "pages"), 16 + (8 * 4), "wrong");

        var result = AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole);

        Assert.Equal((AuditStepOutcome.Different, 1L), (result.Outcome, result.DifferentPages));
        Assert.Equal(5U, Assert.Single(result.FirstDifferent));
        Assert.Equal(Discontinuity.AuditFoundDifference, scene.Capture().Discontinuity);
        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);
        await scene.AssertNewestIsProvenAsync();
    }

    [Fact]
    public void Without_a_table_the_sum_of_all_pages_is_compared_and_the_table_is_made()
    {
        using var scene = Captured();
        File.Delete(Path.Combine(scene.SpoolPath, "pages"));

        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, new AuditProgress(s_moment), 1).Outcome);

        Assert.NotNull(scene.Database.Checksums);
        scene.Source.Insert(10);
        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);
    }

    [Fact]
    public void Without_a_table_foreign_bytes_are_found_though_not_where_they_are()
    {
        using var scene = Captured();
        Assert.True(scene.Seal().IsSealed);
        File.Delete(Path.Combine(scene.SpoolPath, "pages"));
        OverwriteUnseen(scene, (3 * 4096) + 100, Foreign);

        var result = AuditStep.Run(scene.Database, new AuditProgress(s_moment), 1);

        Assert.Equal((AuditStepOutcome.Different, (long)scene.Position.PageCount), (result.Outcome, result.DifferentPages));
        Assert.Empty(result.FirstDifferent);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    public async Task A_database_that_is_written_checkpointed_and_audited_all_the_time_is_always_equal(int autoCheckpoint)
    {
        using var scene = Captured(rows: 20_000);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var transactions = 0;
        var writer = Task.Run(() =>
        {
            using var other = SourceDatabase.Open(scene.DatabasePath, autoCheckpoint: autoCheckpoint);
            for (var i = 0; !ending.IsCancellationRequested; i++)
            {
                other.Insert(20);
                other.Run($"DELETE FROM t WHERE id % 97 = {i % 97}");
                other.Run($"UPDATE t SET data = randomblob(100) WHERE id % 89 = {i % 89}");
                if (autoCheckpoint == 0 && i % 10 == 0)
                {
                    other.Run("PRAGMA wal_checkpoint(PASSIVE)");
                }

                Interlocked.Increment(ref transactions);
            }
        }, TestContext.Current.CancellationToken);
        for (var audits = 0; audits < 5 || Volatile.Read(ref transactions) < 100; audits++)
        {
            var progress = new AuditProgress(s_moment);
            AuditStepOutcome outcome;
            while ((outcome = AuditStep.Run(scene.Database, progress, bytesMax: 1).Outcome) is not AuditStepOutcome.Equal)
            {
                Assert.NotEqual(AuditStepOutcome.Different, outcome);
                _ = CaptureStep.Run(scene.Database);
                if (audits % 2 == 0)
                {
                    _ = new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Seal);
                }
            }
        }

        await ending.CancelAsync();
        await writer;
        scene.Capture();
        await scene.ReconcileAsync();
        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public void A_wal_that_a_reader_has_pinned_is_looked_through_once_and_not_for_each_piece()
    {
        var files = new HookedFileSystem();
        using var scene = new CaptureScene { Files = files };
        scene.Restart();
        scene.Source.Insert(20_000);
        scene.Capture();
        using var reader = SourceDatabase.Open(scene.DatabasePath);
        reader.Run("BEGIN");
        reader.Run("SELECT count(*) FROM t");
        scene.Source.Run("UPDATE t SET data = randomblob(100)");
        scene.Capture();
        Assert.False(scene.Seal().IsSealed);
        var progress = new AuditProgress(s_moment);
        var first = ReadsOf(() => Assert.Equal(AuditStepOutcome.GoesOn, AuditStep.Run(scene.Database, progress, 1).Outcome));

        var second = ReadsOf(() => Assert.Equal(AuditStepOutcome.GoesOn, AuditStep.Run(scene.Database, progress, 1).Outcome));

        Assert.True(second < first, $"{first} reads of the WAL, then {second}");
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id > 15000");
        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, progress, Whole).Outcome);

        int ReadsOf(Action action)
        {
            var reads = 0;
            files.Reading = path => reads += path.EndsWith("-wal", StringComparison.Ordinal) ? 1 : 0;
            action();
            files.Reading = null;
            return reads;
        }
    }

    [Fact]
    public void A_database_that_grows_and_shrinks_between_two_pieces_is_equal()
    {
        using var scene = Captured(rows: 30_000);
        var progress = new AuditProgress(s_moment);
        Assert.Equal(AuditStepOutcome.GoesOn, AuditStep.Run(scene.Database, progress, 1).Outcome);
        scene.Source.Insert(30_000);
        Assert.Equal(AuditStepOutcome.GoesOn, AuditStep.Run(scene.Database, progress, 1).Outcome);
        scene.Source.Run("DELETE FROM t WHERE id > 10");
        scene.Source.Run("VACUUM");

        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, progress, 1).Outcome);
        Assert.True(scene.Position.PageCount < progress.PageCount);
    }

    [Theory]
    [InlineData("-wal")]
    [InlineData("pages")]
    public void A_file_that_cannot_be_read_is_an_error_and_no_difference(string name)
    {
        var files = new HookedFileSystem();
        using var scene = new CaptureScene { Files = files };
        scene.Restart();
        scene.Source.Insert(1000);
        scene.Capture();
        files.Reading = path =>
        {
            if (path.EndsWith(name, StringComparison.Ordinal))
            {
                throw new IOException("an injected fault");
            }
        };
        var progress = new AuditProgress(s_moment);

        Assert.Throws<IOException>(() => AuditStep.Run(scene.Database, progress, Whole));

        files.Reading = null;
        Assert.Null(scene.Database.Doubt);
        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, progress, Whole).Outcome);
        Assert.Equal(CaptureOutcome.Idle, scene.Capture().Outcome);
    }

    [Fact]
    public void Another_file_in_the_place_of_the_database_is_no_difference_of_this_one()
    {
        using var scene = Captured();
        using (var other = SourceDatabase.Open(scene.Folder["other.db"]))
        {
            other.CreateTable();
        }

        File.Move(scene.Folder["other.db"], scene.DatabasePath, overwrite: true);

        Assert.Equal(AuditStepOutcome.NotNow, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);
    }

    [Fact]
    public void A_write_that_the_file_tells_of_is_left_to_the_next_capture()
    {
        using var scene = Captured();
        Assert.True(scene.Seal().IsSealed);
        OtherProcess.Overwrite(scene.DatabasePath, 4096, Foreign);

        Assert.Equal(AuditStepOutcome.NotNow, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);
    }

    [Fact]
    public void Nothing_is_compared_before_the_first_capture_nor_while_no_guard_is_held()
    {
        using var scene = new CaptureScene();
        Assert.Equal(AuditStepOutcome.NotNow, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);
        scene.Capture();
        scene.Database.Close();
        Assert.Equal(AuditStepOutcome.NotNow, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);
    }

    [Fact]
    public void A_resting_database_is_not_written_for_an_audit()
    {
        using var scene = Captured();
        Assert.True(scene.Seal().IsSealed);
        var before = scene.Files.TryGetStamp(scene.DatabasePath);
        var wal = scene.Files.TryGetFacts(scene.DatabasePath + "-wal");

        Assert.Equal(AuditStepOutcome.Equal, AuditStep.Run(scene.Database, new AuditProgress(s_moment), Whole).Outcome);

        Assert.Equal((before, wal), (scene.Files.TryGetStamp(scene.DatabasePath), scene.Files.TryGetFacts(scene.DatabasePath + "-wal")));
    }

    private static void OverwriteUnseen(CaptureScene scene, long offset, string text)
    {
        var files = (HookedFileSystem)scene.Files;
        files.Stamps[scene.DatabasePath] = files.TryGetStamp(scene.DatabasePath);
        OtherProcess.Overwrite(scene.DatabasePath, offset, text);
    }

    private static CaptureScene Captured(int rows = 500)
    {
        var scene = new CaptureScene { Files = new HookedFileSystem() };
        scene.Restart();
        scene.Source.Insert(rows);
        scene.Capture();
        return scene;
    }
}
