using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Images;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

/// <summary>What happens when the process ends, in whatever way, and starts again.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task A_start_after_which_nothing_changed_captures_nothing()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Restart();

        Assert.Equal(CaptureOutcome.Idle, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task What_was_committed_while_nobody_looked_is_captured_from_the_wal()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Stop();
        scene.Source.Insert(10);
        scene.Start();

        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Theory]
    [InlineData("PASSIVE")]
    [InlineData("TRUNCATE")]
    public async Task A_wal_that_was_checkpointed_and_started_over_meanwhile_is_healed_with_the_pages_that_differ(string mode)
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(1000);
        scene.Capture();
        scene.Stop();
        scene.Source.Insert(3);
        scene.Source.Run($"PRAGMA wal_checkpoint({mode})");
        scene.Source.Insert(3);
        scene.Start();

        var result = scene.Capture();

        Assert.Equal(CaptureOutcome.Difference, result.Outcome);
        Assert.InRange(result.PageCount, 1, 6);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_database_whose_application_closed_it_is_healed_with_the_pages_that_differ()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(1000);
        scene.Capture();
        scene.Stop();
        scene.Source.Dispose();
        Assert.False(File.Exists(scene.DatabasePath + "-wal"));
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Start();

        var result = scene.Capture();

        // It is looked at without a frame that would raise its change counter.
        Assert.Equal((CaptureOutcome.NoDifference, new Txid(1)), (result.Outcome, result.Txid));
        Assert.Equal(0, new FileInfo(scene.DatabasePath + "-wal").Length);
        scene.Source.Insert(3);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Theory]
    [InlineData("RESTART")]
    [InlineData("TRUNCATE")]
    public async Task A_checkpoint_of_a_wal_that_never_held_a_transaction_does_no_harm(string mode)
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Source.Dispose();
        scene.Database.CloseInOrder();
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Source.Run("SELECT count(*) FROM t");
        scene.Source.Run($"PRAGMA wal_checkpoint({mode})");
        scene.Restart();

        Assert.Equal(CaptureOutcome.NoDifference, scene.Capture().Outcome);
        scene.Source.Insert(10);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task An_orderly_end_leaves_no_wal_that_could_get_into_another_file()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        scene.Source.Dispose();
        scene.Database.CloseInOrder();

        Assert.False(File.Exists(scene.DatabasePath + "-wal"));
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Restart();
        Assert.Equal(CaptureOutcome.NoDifference, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public void An_orderly_end_takes_no_wal_from_an_application_that_uses_it()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();

        scene.Database.CloseInOrder();

        Assert.True(File.Exists(scene.DatabasePath + "-wal"));
        Assert.Equal(100, scene.Source.RunLong("SELECT count(*) FROM t"));
    }

    [Fact]
    public async Task A_file_that_took_the_place_of_the_database_is_not_opened_with_the_old_wal()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        scene.Source.Dispose();
        using (var other = SourceDatabase.Open(scene.Folder["new.db"]))
        {
            other.Run("CREATE TABLE other(a)");
        }

        File.Move(scene.Folder["new.db"], scene.DatabasePath, overwrite: true);

        var failure = Assert.ThrowsAny<TidemarkException>(() => CaptureStep.Run(scene.Database));

        Assert.NotNull(failure.Hint);
        File.Delete(scene.DatabasePath + "-wal");
        File.Delete(scene.DatabasePath + "-shm");
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        Assert.Equal(1, scene.Source.RunLong("SELECT count(*) FROM sqlite_master WHERE name = 'other'"));
        scene.Capture();
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_spool_has_one_user_at_a_time()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();

        var failure = Assert.ThrowsAny<TidemarkException>(() => Spool.Open(PhysicalFileSystem.Instance, scene.SpoolPath));

        Assert.NotNull(failure.Hint);
        scene.Restart();
        Assert.Equal(CaptureOutcome.Idle, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public void A_link_to_the_database_leads_to_the_same_spool()
    {
        using var scene = new CaptureScene();
        File.CreateSymbolicLink(scene.Folder["link.db"], scene.DatabasePath);

        Assert.Equal(scene.SpoolPath, Spool.DefaultPath(PhysicalFileSystem.Instance, scene.Folder["link.db"]));
    }

    [Fact]
    public async Task A_fork_with_the_same_txid_does_not_count_as_complete()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();
        var copy = scene.Folder["spool-before"];
        TemporaryFolder.Copy(scene.SpoolPath, copy);
        scene.Start();
        scene.Source.Insert(200);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();
        Directory.Delete(scene.SpoolPath, recursive: true);
        TemporaryFolder.Copy(copy, scene.SpoolPath);
        scene.Start();
        scene.Source.Run("DELETE FROM t WHERE id % 2 = 0");
        scene.Capture(); // The destination cannot be reached yet; it has another TXID 2.
        await scene.ReconcileAsync();

        Assert.False(scene.Upload.HasAll(scene.Position.Txid));
        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task An_image_of_another_history_that_came_back_goes_and_one_of_this_history_stays()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Stop();
        var copy = scene.Folder["spool-before"];
        TemporaryFolder.Copy(scene.SpoolPath, copy);
        scene.Start();
        scene.Source.Insert(200);
        scene.Capture();
        var image = Spool.ImageOf(FullImageStep.Run(scene.Database, Txid.First)!.Value);
        var path = scene.Spool.PathOf(image);
        var content = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        scene.Stop();
        Directory.Delete(scene.SpoolPath, recursive: true);
        TemporaryFolder.Copy(copy, scene.SpoolPath);
        scene.Start();
        foreach (var sql in (string[])["DELETE FROM t WHERE id % 2 = 0", "DELETE FROM t WHERE id % 3 = 0"])
        {
            scene.Source.Run(sql);
            scene.Capture();
            scene.Stop();
            await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);
            scene.Start();
            Assert.Empty(scene.Spool.ListImages());
        }

        scene.Capture(); // The guard is new.
        var own = FullImageStep.Run(scene.Database, Txid.First);
        scene.Restart();
        Assert.Equal(own, Assert.Single(scene.Spool.ListImages()));
        scene.Spool.Delete(Spool.CaptureOf(Txid.First));
        await scene.ReconcileAsync();
        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task A_replica_with_a_hole_goes_on_from_a_snapshot()
    {
        using var scene = new CaptureScene();
        for (var i = 0; i < 4; i++)
        {
            scene.Source.Insert(10);
            scene.Capture();
        }

        await scene.ShipAsync();
        LtxFileName lost = new(new Txid(2), new Txid(2));
        await scene.Store.DeleteAsync([new(Replicas.Catalog.Level.Captured, lost)], TestContext.Current.CancellationToken);
        scene.Restart();
        scene.Capture();
        await scene.ReconcileAsync();

        Assert.False(scene.Upload.HasAll(scene.Position.Txid));
        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task A_newest_file_that_is_damaged_at_the_destination_is_followed_by_a_snapshot()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        await scene.ShipAsync();
        await scene.Store.WriteAsync(
            new(Replicas.Catalog.Level.Captured, new LtxFileName(new Txid(2), new Txid(2))),
            scene.Time.GetUtcNow(),
            new MemoryStream(),
            TestContext.Current.CancellationToken);
        scene.Restart();
        await scene.ReconcileAsync();
        scene.Capture();

        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task A_snapshot_of_another_page_size_waits_for_its_capture()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(50);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();
        scene.Source.Run("PRAGMA journal_mode=delete");
        scene.Source.Run("PRAGMA page_size=1024");
        scene.Source.Run("VACUUM");
        scene.Source.Dispose();
        scene.Source = SourceDatabase.Open(scene.DatabasePath, pageSize: 1024);
        var files = new HookedFileSystem();
        scene.Files = files;
        scene.Start();
        await scene.ReconcileAsync();
        files.Opening = path =>
        {
            if (path.Contains("/ltx/0/new-", StringComparison.Ordinal) && !path.Contains("index", StringComparison.Ordinal))
            {
                files.Opening = null;
                _ = scene.Upload.RunAsync(scene.Position.Txid, CancellationToken.None).AsTask().GetAwaiter().GetResult();
                throw new IOException("The disk is full.");
            }
        };
        Assert.Throws<IOException>(() => CaptureStep.Run(scene.Database));
        scene.Source.Insert(200);
        scene.Capture();
        scene.Source.Insert(5);
        scene.Capture();

        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task An_older_copy_of_the_database_is_healed_with_the_pages_that_differ()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(1000);
        scene.Capture();
        scene.Source.Run("PRAGMA wal_checkpoint(PASSIVE)");
        var older = scene.Source.Serialize();
        scene.Source.Insert(200);
        scene.Capture();
        scene.Stop();
        scene.Source.Dispose();
        await File.WriteAllBytesAsync(scene.DatabasePath, older, TestContext.Current.CancellationToken);
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Start();

        var result = scene.Capture();

        Assert.Equal(CaptureOutcome.Difference, result.Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_kill_between_the_file_and_the_position_record_continues_from_the_file()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        var record = await File.ReadAllBytesAsync(Path.Combine(scene.SpoolPath, "position"), TestContext.Current.CancellationToken);
        var pages = await File.ReadAllBytesAsync(Path.Combine(scene.SpoolPath, "pages"), TestContext.Current.CancellationToken);
        scene.Source.Insert(10);
        scene.Capture();
        scene.Stop();
        await File.WriteAllBytesAsync(Path.Combine(scene.SpoolPath, "position"), record, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(Path.Combine(scene.SpoolPath, "pages"), pages, TestContext.Current.CancellationToken);
        scene.Source.Insert(10);
        scene.Start();
        Assert.NotNull(scene.Database.Checksums);

        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        Assert.Equal(new Txid(3), scene.Position.Txid);
        Assert.NotNull((await scene.ReadHeaderAsync(new Txid(3))).Proof.Before);
        await scene.AssertAllRestoreAsync();
    }

    [Theory]
    [InlineData("position")]
    [InlineData("pages")]
    [InlineData("both")]
    [InlineData("torn position")]
    [InlineData("torn pages")]
    public async Task A_lost_or_torn_record_is_not_believed(string what)
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        scene.Source.Insert(100);
        scene.Capture();
        scene.Stop();
        foreach (var name in (string[])["position", "pages"])
        {
            var path = Path.Combine(scene.SpoolPath, name);
            if (what == name || what == "both")
            {
                File.Delete(path);
            }
            else if (what == "torn " + name)
            {
                var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
                bytes.AsSpan(bytes.Length / 2).Clear();
                await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
            }
        }

        scene.Source.Insert(1);
        scene.Start();
        scene.Capture();
        scene.Source.Insert(1);
        scene.Capture();

        Assert.NotNull(scene.Position.Checksum);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_wal_that_lost_its_end_and_was_written_again_with_the_same_salts_is_noticed()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(50);
        scene.Capture();
        var wal = await File.ReadAllBytesAsync(scene.DatabasePath + "-wal", TestContext.Current.CancellationToken);
        var database = await File.ReadAllBytesAsync(scene.DatabasePath, TestContext.Current.CancellationToken);
        scene.Source.Run("UPDATE t SET data = zeroblob(100)");
        scene.Capture();
        scene.Stop();
        scene.Source.Dispose();

        // The machine lost power: the last frames never reached the disk, the capture did.
        await File.WriteAllBytesAsync(scene.DatabasePath, database, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(scene.DatabasePath + "-wal", wal, TestContext.Current.CancellationToken);
        File.Delete(scene.DatabasePath + "-shm");
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Source.Run("UPDATE t SET data = randomblob(90)");
        scene.Source.Insert(30);
        scene.Start();

        Assert.Equal(CaptureOutcome.Difference, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_lost_spool_goes_on_after_the_newest_txid_of_the_replica()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Source.Insert(10);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();
        Directory.Delete(scene.SpoolPath, recursive: true);
        scene.Start();
        await scene.ReconcileAsync();

        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
        Assert.Equal(new Txid(3), scene.Position.Txid);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_replica_that_is_ahead_of_the_spool_is_never_overwritten()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();
        var spool = scene.Folder["spool-before"];
        TemporaryFolder.Copy(scene.SpoolPath, spool);
        scene.Start();
        scene.Source.Insert(10);
        scene.Capture();
        scene.Source.Insert(10);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();
        Directory.Delete(scene.SpoolPath, recursive: true);
        TemporaryFolder.Copy(spool, scene.SpoolPath);
        scene.Start();
        await scene.ReconcileAsync();

        var result = scene.Capture();

        Assert.Equal((CaptureOutcome.Image, Discontinuity.ReplicaIsAhead), (result.Outcome, result.Discontinuity));
        Assert.Equal(new Txid(4), scene.Position.Txid);
        await scene.AssertAllRestoreAsync();
    }

    [Fact]
    public async Task A_damaged_newest_file_leads_to_a_new_image()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        await scene.ShipAsync();
        var lineage = scene.Database.Lineage;
        scene.Stop();
        File.Delete(Path.Combine(scene.SpoolPath, "position"));
        var path = scene.Spool.PathOf(new(Replicas.Catalog.Level.Captured, scene.Spool.ListCaptures()[^1]));
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[200] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        scene.Start();
        await scene.ReconcileAsync();

        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
        Assert.Equal(new Txid(2), scene.Position.Txid);
        Assert.Equal(lineage, scene.Database.Lineage); // The memory of what destinations held says whose spool it is.
        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task An_older_copy_of_the_spool_that_went_on_by_itself_is_not_mixed_with_what_the_destination_holds()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(10);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();
        var copy = scene.Folder["spool-before"];
        TemporaryFolder.Copy(scene.SpoolPath, copy);
        scene.Start();
        scene.Source.Insert(200);
        scene.Capture();
        await scene.ShipAsync();
        var shipped = await NaiveRestore.RunAsync(scene.Store, new Txid(2), TestContext.Current.CancellationToken);
        scene.Stop();
        Directory.Delete(scene.SpoolPath, recursive: true);
        TemporaryFolder.Copy(copy, scene.SpoolPath);
        scene.Start();

        // The destination does not answer at first, so another TXID 2 and a TXID 3 are captured.
        scene.Source.Run("DELETE FROM t WHERE id % 2 = 0");
        scene.Capture();
        scene.Source.Insert(1);
        scene.Capture();
        await scene.ReconcileAsync();
        await scene.AssertNewestRestoresAsync();

        Assert.Equal(shipped, await NaiveRestore.RunAsync(scene.Store, new Txid(2), TestContext.Current.CancellationToken));
    }
}
