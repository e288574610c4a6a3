using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Images;
using Tidemark.Replication.Upload;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

/// <summary>What is written after the WAL was interrupted: exactly the pages that differ from the last captured state, which SQLite's own
/// serialisations tell.</summary>
public sealed class HealingTests
{
    [Theory]
    [InlineData("PASSIVE")]
    [InlineData("FULL")]
    [InlineData("RESTART")]
    [InlineData("TRUNCATE")]
    public async Task A_checkpoint_of_another_tool_after_a_kill(string mode)
    {
        using var scene = await CapturedAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 500");
        scene.Source.Run($"PRAGMA wal_checkpoint({mode})");
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 900");
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference);
    }

    [Theory]
    [InlineData("PASSIVE")]
    [InlineData("FULL")]
    [InlineData("RESTART")]
    [InlineData("TRUNCATE")]
    public async Task A_checkpoint_of_another_tool_with_nothing_after_it(string mode)
    {
        using var scene = await CapturedAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        scene.Source.Run($"PRAGMA wal_checkpoint({mode})");
        scene.Start();

        await AssertHealsAsync(scene, before, mode != "TRUNCATE" ? CaptureOutcome.Idle : CaptureOutcome.NoDifference);
    }

    [Fact]
    public async Task A_vacuum()
    {
        using var scene = await CapturedAsync();
        scene.Source.Run("DELETE FROM t WHERE id % 3 = 0");
        scene.Capture();
        var before = scene.Source.Serialize();
        scene.Stop();
        scene.Source.Run("VACUUM");
        scene.Source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference);
        Assert.True(scene.Source.Serialize().Length < before.Length);
    }

    [Fact]
    public async Task An_older_copy_of_the_database_with_the_spool_kept()
    {
        using var scene = await CapturedAsync();
        var older = scene.Source.Serialize();
        scene.Source.Insert(200);
        scene.Capture();
        await scene.ShipAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        await ReplaceDatabaseAsync(scene, older);
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference);
    }

    [Fact]
    public async Task An_older_copy_of_the_database_with_the_spool_lost()
    {
        using var scene = await CapturedAsync();
        var older = scene.Source.Serialize();
        scene.Source.Insert(200);
        scene.Capture();
        await scene.ShipAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        await ReplaceDatabaseAsync(scene, older);
        scene.LoseSpool();
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference, isBaseRead: true);
    }

    [Fact]
    public async Task An_older_copy_of_database_and_spool()
    {
        using var scene = await CapturedAsync();
        scene.Stop();
        TemporaryFolder.Copy(scene.SpoolPath, scene.Folder["older"]);
        var older = scene.Source.Serialize();
        scene.Start();
        scene.Source.Insert(200);
        scene.Capture();
        scene.Source.Run("UPDATE t SET data = zeroblob(5) WHERE id = 700");
        scene.Capture();
        await scene.ShipAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        await ReplaceDatabaseAsync(scene, older);
        scene.LoseSpool();
        TemporaryFolder.Copy(scene.Folder["older"], scene.SpoolPath);
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference, isBaseRead: true);
        Assert.Equal(new Txid(4), scene.Position.Txid);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lost_spool_of_a_database_that_did_not_change_uploads_nothing(bool isOpen)
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        if (!isOpen)
        {
            scene.Source.Dispose();
            scene.Source = SourceDatabase.Open(scene.DatabasePath);
        }

        scene.LoseSpool();
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.NoDifference, isBaseRead: true);
        Assert.Empty(scene.Spool.ListCaptures());

        // The position is kept, and the writer's new lineage is no reason for a conflict.
        scene.Restart();
        await scene.ReconcileAsync();
        Assert.Null(await scene.ReadBaseAsync());
        scene.Capture();
        scene.Source.Insert(3);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        Assert.Equal(new Txid(2), scene.Position.Txid);
        await scene.AssertNewestIsProvenAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lost_spool_of_a_database_that_changed(bool isOpen)
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        scene.Source.Insert(20);
        if (!isOpen)
        {
            scene.Source.Dispose();
            scene.Source = SourceDatabase.Open(scene.DatabasePath);
        }

        scene.LoseSpool();
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference, isBaseRead: true);
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("truncated")]
    [InlineData("gone")]
    public async Task Page_checksums_that_cannot_be_believed(string how)
    {
        using var scene = await CapturedAsync();
        scene.Source.Insert(1);
        scene.Capture();
        await scene.ShipAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        Damage(Path.Combine(scene.SpoolPath, "pages"), how);
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 500");
        scene.Source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference, isBaseRead: true);
    }

    [Fact]
    public async Task Captures_that_the_destination_lacks_are_added_to_what_it_holds()
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        scene.Source.Insert(100);
        scene.Capture();
        scene.Source.Run("DELETE FROM t WHERE id > 300");
        scene.Source.Run("VACUUM");
        scene.Capture();
        var before = scene.Source.Serialize();
        scene.Stop();
        Damage(Path.Combine(scene.SpoolPath, "pages"), "gone");
        scene.Source.Insert(2);
        scene.Source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference, isBaseRead: true);
        await scene.AssertAllRestoreAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_newest_capture_that_is_damaged(bool isPositionLost)
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        var before = scene.Source.Serialize();
        scene.Stop();
        Damage(scene.Spool.PathOf(KeyOf(new Txid(1))), "damaged");
        if (isPositionLost)
        {
            File.Delete(Path.Combine(scene.SpoolPath, "position"));
        }

        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 500");
        scene.Source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        scene.Start();

        await AssertHealsAsync(scene, before, CaptureOutcome.Difference, isBaseRead: isPositionLost);
        Assert.Empty(scene.Spool.ListImages());
    }

    [Fact]
    public async Task Another_page_size_takes_all_pages()
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        scene.Stop();
        scene.Source.Run("PRAGMA journal_mode=delete");
        scene.Source.Run("PRAGMA page_size=1024");
        scene.Source.Run("VACUUM");
        scene.Source.Dispose();
        scene.Source = SourceDatabase.Open(scene.DatabasePath, pageSize: 1024);
        scene.LoseSpool();
        scene.Start();
        await scene.ReconcileAsync();

        Assert.Null(await scene.ReadBaseAsync());
        var result = scene.Capture();

        Assert.Equal((CaptureOutcome.Image, scene.Source.Serialize().Length / 1024), (result.Outcome, result.PageCount));
        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task A_replica_that_is_damaged_gives_no_base_and_goes_on_from_a_snapshot()
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        scene.Stop();
        scene.LoseSpool();
        await using (var content = await scene.Store.OpenAsync(KeyOf(new Txid(1)), 0, null, TestContext.Current.CancellationToken))
        {
            using var bytes = new MemoryStream();
            await content.CopyToAsync(bytes, TestContext.Current.CancellationToken);
            bytes.GetBuffer()[bytes.Length / 2] ^= 1;
            bytes.Position = 0;
            await scene.Store.WriteAsync(KeyOf(new Txid(1)), scene.Time.GetUtcNow(), bytes, TestContext.Current.CancellationToken);
        }

        scene.Start();
        await scene.ReconcileAsync();

        await Assert.ThrowsAnyAsync<TidemarkException>(scene.ReadBaseAsync);
        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
        await scene.AssertNewestRestoresAsync();
    }

    [Fact]
    public async Task A_reading_that_is_cut_short_changes_nothing()
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        scene.Stop();
        scene.LoseSpool();
        scene.Start();
        await scene.ReconcileAsync();
        using var end = new CancellationTokenSource();
        await end.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await BaseStep.RunAsync(
            scene.Database, CaptureStep.FindWantOfBase(scene.Database)!.Value, scene.Upload, progress: null, end.Token));

        Assert.Null(scene.Database.Position);
        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
    }

    [Fact]
    public async Task A_destination_with_another_history_under_the_same_txid_goes_on_from_a_snapshot()
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        var other = new MemoryStore();
        await CopyAsync(scene.Store, other);
        scene.Stop();
        TemporaryFolder.Copy(scene.SpoolPath, scene.Folder["fork"]);
        scene.Start();
        scene.Source.Insert(100);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();

        // The same spool once more, with another TXID 2 for the other destination.
        scene.LoseSpool();
        TemporaryFolder.Copy(scene.Folder["fork"], scene.SpoolPath);
        scene.Start();
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id % 2 = 0");
        scene.Capture();
        var otherUpload = UploadTo(other, scene);
        await otherUpload.ReconcileAsync(TestContext.Current.CancellationToken);
        await ShipAllAsync(otherUpload, scene);
        scene.Stop();
        scene.LoseSpool();
        scene.Source.Insert(1);
        scene.Start();
        await scene.ReconcileAsync();
        otherUpload = UploadTo(other, scene);
        await otherUpload.ReconcileAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(await scene.ReadBaseAsync());
        Assert.Equal(CaptureOutcome.Difference, scene.Capture().Outcome);

        var outcome = (await otherUpload.RunAsync(scene.Position.Txid, TestContext.Current.CancellationToken)).Outcome;

        Assert.Equal(UploadOutcome.NeedsImage, outcome);
        await ShipAllAsync(otherUpload, scene);
        await scene.AssertNewestIsProvenAsync();
        Assert.Equal(
            scene.Source.Serialize(),
            await NaiveRestore.RunAsync(other, scene.Position.Txid, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_base_below_captures_of_another_history_is_not_taken_though_they_lead_to_the_position()
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        scene.Stop();
        TemporaryFolder.Copy(scene.SpoolPath, scene.Folder["fork"]);
        scene.Start();
        scene.Source.Insert(100);
        scene.Capture();
        await scene.ShipAsync();
        scene.Stop();

        // The older spool goes on with a TXID 2 of its own. TXID 4 has all pages, so it leads to the same state after whichever TXID 2.
        scene.LoseSpool();
        TemporaryFolder.Copy(scene.Folder["fork"], scene.SpoolPath);
        scene.Start();
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id % 2 = 0");
        scene.Capture();
        scene.Source.Insert(1);
        scene.Capture();
        scene.LosePageChecksums(distrusts: true);
        scene.Source.Insert(1);
        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
        scene.LosePageChecksums(distrusts: true);
        scene.Source.Insert(1);
        await scene.ReconcileAsync();

        Assert.Null(await scene.ReadBaseAsync());

        scene.Capture();
        await scene.AssertNewestRestoresAsync();
        await scene.AssertNewestIsProvenAsync();
    }

    [Fact]
    public async Task Captures_of_a_spool_that_holds_two_histories_are_not_shipped_one_after_the_other()
    {
        using var scene = await CapturedAsync();
        await scene.ShipAsync();
        scene.Stop();
        TemporaryFolder.Copy(scene.SpoolPath, scene.Folder["fork"]);
        scene.Start();
        scene.LosePageChecksums(distrusts: true);
        scene.Source.Insert(100);
        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
        var second = scene.Spool.PathOf(Spool.CaptureOf(new Txid(2)));
        new FileInfo(second).CopyTo(scene.Folder["image"]);
        scene.Stop();
        scene.LoseSpool();
        TemporaryFolder.Copy(scene.Folder["fork"], scene.SpoolPath);
        scene.Start();
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id % 2 = 0");
        scene.Capture();
        scene.Source.Insert(1);
        scene.Capture();

        // As when the power fails while a spool is begun anew: what is written last has come beside what was deleted before.
        new FileInfo(scene.Folder["image"]).CopyTo(second, overwrite: true);
        scene.Restart();
        scene.Source.Insert(1);
        scene.Capture();
        await scene.ReconcileAsync();

        await scene.AssertNewestRestoresAsync();
        await scene.AssertNewestIsProvenAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_destination_without_proofs_is_read_before_it_gets_what_follows_another_ones_state(bool isSame)
    {
        using var scene = await CapturedAsync();
        scene.Source.Insert(100);
        scene.Capture();
        await scene.ShipAsync();
        var unproven = new MemoryStore();
        await CopyAsync(scene.Store, unproven, WithoutProof);
        if (!isSame)
        {
            // The destination has the pages of TXID 1 for TXID 2.
            await CopyAsync(scene.Store, unproven, header => WithoutProof(header) with { MinTxid = new Txid(2), MaxTxid = new Txid(2) }, 1);
        }

        scene.Stop();
        scene.LoseSpool();
        scene.Source.Insert(1);
        scene.Start();
        await scene.ReconcileAsync();
        Assert.NotNull(await scene.ReadBaseAsync());
        scene.Capture();
        var upload = UploadTo(unproven, scene);
        await upload.ReconcileAsync(TestContext.Current.CancellationToken);

        var outcome = (await upload.RunAsync(scene.Position.Txid, TestContext.Current.CancellationToken)).Outcome;

        Assert.Equal(isSame ? UploadOutcome.Uploaded : UploadOutcome.NeedsImage, outcome);
        await ShipAllAsync(upload, scene);
        Assert.Equal(
            scene.Source.Serialize(),
            await NaiveRestore.RunAsync(unproven, scene.Position.Txid, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_end_beside_an_application_that_goes_on_lets_the_next_start_go_on_in_the_wal()
    {
        using var scene = await CapturedAsync();
        using (await SqliteReader.StartAsync(scene.DatabasePath))
        {
            scene.End();
            scene.Source.Insert(1);
            scene.Restart();
            var result = scene.Capture();

            Assert.Equal(CaptureOutcome.Frames, result.Outcome);
        }

        await scene.ShipAsync();
        await scene.AssertNewestIsProvenAsync();
    }

    private static async Task<CaptureScene> CapturedAsync()
    {
        var scene = new CaptureScene();
        scene.Source.Insert(1000);
        scene.Capture();
        await scene.ReconcileAsync();
        return scene;
    }

    /// <summary>Captures after a start and compares the new file with what SQLite says of both states.</summary>
    private static async Task AssertHealsAsync(CaptureScene scene, byte[] before, CaptureOutcome outcome, bool isBaseRead = false)
    {
        await scene.ReconcileAsync();
        Assert.Equal(isBaseRead, await scene.ReadBaseAsync() is not null);
        var (txid, checksum) = (scene.Position.Txid, scene.Position.Checksum);

        var result = scene.Capture();

        var after = scene.Source.Serialize();
        var expected = DifferentPages(before, after, scene.Position.PageSize.Bytes);
        Assert.Equal(outcome, result.Outcome);
        Assert.Equal(expected.Count, result.PageCount);
        Assert.Equal(ChecksumOf(after, scene.Position.PageSize.Bytes), scene.Position.Checksum);
        if (result.PageCount == 0)
        {
            Assert.Equal(txid, scene.Position.Txid);
        }
        else
        {
            var pages = new List<uint>();
            var header = SpoolFile.Read(scene.Spool, new LtxFileName(txid.Next(), txid.Next()), (numbers, _, _) => pages.AddRange(numbers));
            Assert.Equal(expected, pages);
            Assert.Equal(new LtxProof(checksum, scene.Position.Checksum), header.Proof);
        }

        await scene.AssertNewestIsProvenAsync();
    }

    private static List<uint> DifferentPages(byte[] before, byte[] after, int pageBytes)
    {
        var pages = new List<uint>();
        for (var offset = 0; offset < after.Length; offset += pageBytes)
        {
            if (offset >= before.Length || !before.AsSpan(offset, pageBytes).SequenceEqual(after.AsSpan(offset, pageBytes)))
            {
                pages.Add((uint)(offset / pageBytes) + 1);
            }
        }

        return pages;
    }

    private static DatabaseChecksum ChecksumOf(byte[] image, int pageBytes)
    {
        var sum = DatabaseChecksum.Empty;
        for (var offset = 0; offset < image.Length; offset += pageBytes)
        {
            sum = sum.Toggle(DatabaseChecksum.OfPage((uint)(offset / pageBytes) + 1, image.AsSpan(offset, pageBytes)));
        }

        return sum;
    }

    private static async Task ReplaceDatabaseAsync(CaptureScene scene, byte[] content)
    {
        scene.Source.Dispose();
        File.Delete(scene.DatabasePath + "-wal");
        await File.WriteAllBytesAsync(scene.DatabasePath, content, TestContext.Current.CancellationToken);
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
    }

    private static void Damage(string path, string how)
    {
        if (how == "gone")
        {
            File.Delete(path);
            return;
        }

        const int Offset = 150; // in the first entries of the table, and in the first page of a capture
        using var file = Replicas.Files.PhysicalFileSystem.Instance.Open(path, FileMode.Open, FileAccess.ReadWrite);
        if (how == "truncated")
        {
            file.SetLength(Offset);
            return;
        }

        Span<byte> one = stackalloc byte[1];
        file.Read(Offset, one);
        one[0] ^= 1;
        file.Write(Offset, one);
    }

    private static LtxHeader WithoutProof(LtxHeader header) => header with { Proof = LtxProof.None, Lineage = Lineage.None };

    private static LtxFileKey KeyOf(Txid txid) => new(Level.Captured, new LtxFileName(txid, txid));

    private static UploadStep UploadTo(IReplicaStore store, CaptureScene scene)
        => new(store, scene.Spool, new ClaimStep(store, scene.Database.Lineage, scene.Time, TimeSpan.FromSeconds(30)));

    /// <summary>Ships everything, with an image if one is needed.</summary>
    private static async Task ShipAllAsync(UploadStep upload, CaptureScene scene)
    {
        while (await upload.RunAsync(scene.Position.Txid, TestContext.Current.CancellationToken)
            is var result && result.Outcome != UploadOutcome.Idle)
        {
            if (result.Outcome == UploadOutcome.NeedsImage)
            {
                Assert.NotNull(FullImageStep.Run(scene.Database, result.Image!.From));
            }
        }
    }

    private static Task CopyAsync(IReplicaStore source, IReplicaStore destination) => CopyAsync(source, destination, header => header);

    /// <summary>Writes captures of one replica to another, with other headers.</summary>
    private static async Task CopyAsync(
        IReplicaStore source, IReplicaStore destination, Func<LtxHeader, LtxHeader> change, ulong? only = null)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await foreach (var file in source.ListAsync(Level.Captured, Txid.None, cancellation))
        {
            if (only is { } txid && file.MinTxid.Value != txid)
            {
                continue;
            }

            await using var content = await source.OpenAsync(file.Key, 0, null, cancellation);
            using var reader = new LtxReader(content, file.Key.ToString());
            var header = change(await reader.ReadHeaderAsync(cancellation));
            using var copy = new MemoryStream();
            using (var writer = new LtxWriter(copy, header, () => new MemoryStream(), 1))
            {
                var part = new LtxPart();
                while (await reader.ReadPartAsync(part, cancellation))
                {
                    var pages = new byte[part.ExpandedLength];
                    _ = part.Decode(pages);
                    writer.WritePages(part.PageNumbers.ToArray(), pages);
                }

                writer.Complete(header);
            }

            var key = new LtxFileKey(Level.Captured, new LtxFileName(header.MinTxid, header.MaxTxid));
            await destination.WriteAsync(key, file.Created, new MemoryStream(copy.ToArray()), cancellation);
        }
    }
}
