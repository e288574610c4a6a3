using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Images;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Replication.Upload;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Upload;

public sealed class UploadStepTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_the_spool_lacks_is_bridged_by_a_full_image_whose_name_leaves_no_hole()
    {
        using var scene = new CaptureScene();
        Capture(scene, 3);
        await scene.ShipAsync();
        Capture(scene, 4);
        scene.Spool.Delete(Spool.CaptureOf(new Txid(4)));
        Capture(scene, 1);

        await scene.AssertNewestRestoresAsync();

        var image = Assert.Single(await ListAsync(scene.Store, 0), file => file.MinTxid != file.MaxTxid);
        Assert.Equal(new Txid(4), image.MinTxid);
        Capture(scene, 2);
        await scene.AssertNewestRestoresAsync();
        AssertContiguous(await ListAsync(scene.Store, 0));
        Assert.Empty(await ListAsync(scene.Store, 9));
        var header = await ReadHeaderAsync(scene.Store, image.Key);
        Assert.Null(header.Proof.Before);
        Assert.NotNull(header.Proof.After);
        Assert.Equal(header.PageSize.PagesOfImage(header.Commit), await CountPagesAsync(scene.Store, image.Key));
        foreach (var txid in (int[])[1, 2, 3])
        {
            Assert.NotEmpty(await NaiveRestore.RunAsync(scene.Store, new Txid((ulong)txid), Token));
        }
    }

    [Fact]
    public async Task A_destination_that_is_empty_gets_a_snapshot()
    {
        using var scene = new CaptureScene();
        Capture(scene, 3);
        scene.Spool.Delete(Spool.CaptureOf(new Txid(1)));
        await scene.ReconcileAsync();

        await scene.AssertNewestRestoresAsync();

        Assert.Equal(Txid.First, Assert.Single(await ListAsync(scene.Store, 9)).MinTxid);
        Assert.Empty(await ListAsync(scene.Store, 0));
        Capture(scene, 1);
        await scene.AssertNewestRestoresAsync();
        Assert.Single(await ListAsync(scene.Store, 0));
    }

    [Fact]
    public async Task Two_destinations_get_the_images_that_each_of_them_needs()
    {
        using var scene = new CaptureScene();
        var (other, empty) = (new MemoryStore(), new MemoryStore());
        var (toOther, toEmpty) = (Step(scene, other), Step(scene, empty));
        await toOther.ReconcileAsync(Token);
        Capture(scene, 2);
        await RunAsync(scene, toOther);
        Capture(scene, 2);
        await scene.ShipAsync();
        Capture(scene, 3);
        scene.Spool.DropOldest(new SpoolBudget(1, 0), Txid.None);
        await toEmpty.ReconcileAsync(Token);

        ImageRequest[] needed = [await NeedAsync(scene, scene.Upload), await NeedAsync(scene, toOther), await NeedAsync(scene, toEmpty)];

        Assert.Equal(
            [new(Level.Captured, new Txid(5)), new(Level.Captured, new Txid(3)), new(Level.Snapshots, Txid.First)], needed);
        foreach (var from in needed.Select(image => image.From))
        {
            Assert.NotNull(FullImageStep.Run(scene.Database, from));
        }

        foreach (var (step, store) in ((UploadStep, MemoryStore)[])[(scene.Upload, scene.Store), (toOther, other), (toEmpty, empty)])
        {
            await RunAsync(scene, step);
            Assert.True(step.HasAll(scene.Position.Txid));
            Assert.Equal(scene.Source.Serialize(), await NaiveRestore.RunAsync(store, scene.Position.Txid, Token));
            AssertContiguous(await ListAsync(store, 0));
        }

        Assert.DoesNotContain(
            scene.Spool.ListImages(), image => scene.Upload.Wants(image) || toOther.Wants(image) || toEmpty.Wants(image));
    }

    [Fact]
    public async Task An_image_that_somebody_asked_for_is_shipped_to_its_level_after_all_captures()
    {
        using var scene = new CaptureScene();
        Capture(scene, 5);
        await scene.ReconcileAsync();
        scene.Upload.RequestImage(new Level(2), new Txid(3));

        await scene.AssertNewestRestoresAsync();

        var image = Assert.Single(await ListAsync(scene.Store, 2));
        Assert.Equal((new Txid(3), scene.Position.Txid), (image.MinTxid, image.MaxTxid));
        Assert.Null(scene.Upload.Requested);
        Assert.Equal(UploadOutcome.Idle, (await scene.Upload.RunAsync(scene.Position.Txid, Token)).Outcome);
        AssertContiguous(await ListAsync(scene.Store, 0));
    }

    [Fact]
    public async Task An_image_that_was_written_before_it_was_asked_for_is_no_answer()
    {
        using var scene = new CaptureScene();
        Capture(scene, 2);
        await scene.ReconcileAsync();
        scene.Upload.RequestImage(Level.Snapshots, Txid.First);
        await scene.ShipWithImagesAsync();
        Capture(scene, 2);
        await scene.ShipAsync();
        var old = Assert.Single(scene.Spool.ListImages());
        Assert.False(scene.Upload.Wants(old));

        scene.Upload.RequestImage(Level.Snapshots, Txid.First);

        Assert.False(scene.Upload.Wants(old));
        await scene.ShipWithImagesAsync();
        Assert.Null(scene.Upload.Requested);
        Assert.Equal([3, 6], (await ListAsync(scene.Store, 9)).Select(file => (int)file.MaxTxid.Value));
    }

    [Fact]
    public async Task An_image_from_a_txid_that_does_not_exist_yet_is_not_written()
    {
        using var scene = new CaptureScene();
        Capture(scene, 1);
        Assert.Null(FullImageStep.Run(scene.Database, new Txid(99)));
        Assert.Empty(scene.Spool.ListImages());
    }

    [Fact]
    public async Task The_catalogue_is_what_a_listing_shows()
    {
        using var scene = new CaptureScene();
        Assert.Null(scene.Upload.Catalog);
        Capture(scene, 2);
        await scene.ShipAsync();
        var catalog = scene.Upload.Catalog!;
        scene.Spool.DropOldest(new SpoolBudget(1, 0), Txid.None);
        Capture(scene, 3);
        scene.Spool.DropOldest(new SpoolBudget(1, 0), Txid.None);
        await scene.ShipWithImagesAsync();

        Assert.Same(catalog, scene.Upload.Catalog);
        Assert.Equal(await ReplicaListing.ReadAllAsync(scene.Store, Token), catalog.Files);
    }

    [Fact]
    public async Task After_a_failure_the_catalogue_is_read_anew()
    {
        using var scene = new CaptureScene();
        var fails = false;
        var step = Step(scene, new FaultingStore(scene.Store, _ => fails ? StoreFault.After : null));
        Capture(scene, 2);
        await step.ReconcileAsync(Token);
        await step.RunAsync(scene.Position.Txid, Token);
        fails = true;
        await Assert.ThrowsAsync<ReplicaStoreException>(async () => await step.RunAsync(scene.Position.Txid, Token));
        fails = false;

        Assert.Null(step.Catalog);
        Assert.False(step.IsReconciled);
        await step.ReconcileAsync(Token);
        Assert.True(step.HasAll(scene.Position.Txid));
        Assert.Equal(await ReplicaListing.ReadAllAsync(scene.Store, Token), step.Catalog!.Files);
    }

    [Fact]
    public async Task A_destination_that_has_everything_is_asked_nothing()
    {
        using var scene = new CaptureScene();
        var store = new FaultingStore(scene.Store, _ => null);
        var step = Step(scene, store);
        Capture(scene, 2);
        await step.ReconcileAsync(Token);
        await RunAsync(scene, step);
        var calls = store.Calls;
        for (var hour = 0; hour < 24; hour++)
        {
            scene.Time.Advance(TimeSpan.FromHours(1));
            Assert.Equal(UploadOutcome.Idle, (await step.RunAsync(scene.Position.Txid, Token)).Outcome);
        }

        Assert.Equal(calls, store.Calls);
        Capture(scene, 1);
        await RunAsync(scene, step);
        Assert.Equal(calls + 2, store.Calls); // the claim, and the file
    }

    [Fact]
    public async Task A_file_whose_first_answer_got_lost_counts_as_shipped()
    {
        using var scene = new CaptureScene();
        Capture(scene, 2);
        await scene.ReconcileAsync();
        await PutAsync(scene, Spool.CaptureOf(new Txid(1)), await ReadSpoolAsync(scene, new Txid(1)));

        await scene.ShipAsync();

        Assert.Equal(new Txid(2), scene.Upload.Shipped);
        Assert.Equal(await ReplicaListing.ReadAllAsync(scene.Store, Token), scene.Upload.Catalog!.Files);
    }

    [Theory]
    [InlineData("another")]
    [InlineData("truncated")]
    [InlineData("longer")]
    [InlineData("empty")]
    public async Task A_name_that_is_taken_by_another_content_stops_both_writers_and_nothing_is_replaced(string what)
    {
        using var scene = new CaptureScene();
        Capture(scene, 2);
        await scene.ReconcileAsync();
        await scene.Upload.Claim.TakeAsync(Token);
        var other = new ClaimStep(scene.Store, new Lineage(99), scene.Time, TimeSpan.FromSeconds(30));
        await other.TakeAsync(Token);
        var own = await ReadSpoolAsync(scene, new Txid(1));
        byte[] content = what switch
        {
            "another" => [.. own[..^1], (byte)(own[^1] ^ 1)],
            "truncated" => own[..^100],
            "longer" => [.. own, 0],
            _ => [],
        };
        await PutAsync(scene, Spool.CaptureOf(new Txid(1)), content);

        var failure = await Assert.ThrowsAsync<ReplicaConflictException>(() => scene.ShipAsync());

        Assert.Contains(other.Own.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.Contains("0/0000000000000001-0000000000000001.ltx", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.Hint);
        Assert.Equal(content, await ReadAsync(scene.Store, Spool.CaptureOf(new Txid(1))));
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await other.ConfirmNowAsync(Token));
        await Assert.ThrowsAsync<ReplicaConflictException>(() => scene.ShipAsync());
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await scene.Upload.ReconcileAsync(Token));
        Assert.Single(await ListAsync(scene.Store, 0));
    }

    [Fact]
    public async Task A_foreign_claim_stops_a_writer_before_it_writes()
    {
        using var scene = new CaptureScene();
        Capture(scene, 1);
        await scene.ShipAsync();
        var other = new ClaimStep(scene.Store, new Lineage(99), scene.Time, TimeSpan.FromSeconds(30));
        await other.TakeAsync(Token);
        scene.Time.Advance(TimeSpan.FromSeconds(30));
        Capture(scene, 1);

        var failure = await Assert.ThrowsAsync<ReplicaConflictException>(() => scene.ShipAsync());

        Assert.Contains(other.Own.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.Single(await ListAsync(scene.Store, 0));
    }

    [Fact]
    public async Task A_writer_that_was_refused_leaves_the_claim_of_the_one_that_goes_on()
    {
        using var scene = new CaptureScene();
        Capture(scene, 1);
        await scene.ShipAsync();
        var claim = await scene.Store.ReadClaimAsync(Token);
        using var another = new CaptureScene();
        Capture(another, 2);

        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await Step(another, scene.Store).ReconcileAsync(Token));

        Assert.Equal(claim, await scene.Store.ReadClaimAsync(Token));
    }

    [Fact]
    public async Task A_destination_that_was_behind_when_the_spool_was_lost_is_continued_after_the_next_start_too()
    {
        using var scene = new CaptureScene();
        var behind = new MemoryStore();
        Capture(scene, 1);
        await scene.ShipAsync();
        var before = Step(scene, behind);
        await before.ReconcileAsync(Token);
        await RunAsync(scene, before);
        Capture(scene, 1);
        await scene.ShipAsync();
        scene.Stop();
        scene.LoseSpool();
        scene.Start();
        await scene.ReconcileAsync();
        await Step(scene, behind).ReconcileAsync(Token);
        Capture(scene, 1);
        scene.Restart();

        var step = Step(scene, behind);
        await step.ReconcileAsync(Token);
        Capture(scene, 1);
        FullImageStep.Run(scene.Database, (await NeedAsync(scene, step)).From);
        await RunAsync(scene, step);

        Assert.Equal(scene.Position.Txid, step.Shipped);
        Assert.Equal(scene.Source.Serialize(), await NaiveRestore.RunAsync(behind, step.Shipped, Token));
    }

    [Fact]
    public async Task A_writer_that_writes_nothing_leaves_the_claim_of_the_one_that_goes_on()
    {
        using var scene = new CaptureScene();
        Capture(scene, 1);
        await scene.ShipAsync();
        var claim = await scene.Store.ReadClaimAsync(Token);
        using var another = new CaptureScene();
        var step = Step(another, scene.Store);

        await step.ReconcileAsync(Token);
        Assert.Equal(UploadOutcome.Idle, (await step.RunAsync(Txid.None, Token)).Outcome);

        Assert.Equal(claim, await scene.Store.ReadClaimAsync(Token));
        Assert.False(step.Claim.IsTaken);
    }

    [Theory]
    [InlineData(1)] // before the image is written
    [InlineData(2)] // while it is
    public async Task Files_of_another_writer_that_appear_beside_an_image_stop_both_and_the_image_goes(int when)
    {
        using var scene = new CaptureScene();
        Capture(scene, 2);
        await scene.ShipAsync();
        scene.Stop();
        scene.Start();
        var (armedAt, foreign) = (int.MaxValue, Spool.CaptureOf(new Txid(3)));
        FaultingStore store = null!;
        store = new FaultingStore(scene.Store, _ => null)
        {
            BeforeCall = call =>
            {
                if (call == armedAt)
                {
                    PutAsync(scene, foreign, [1, 2, 3]).GetAwaiter().GetResult();
                }
            },
        };
        var step = Step(scene, store);
        await step.ReconcileAsync(Token);
        Capture(scene, 5);
        scene.Spool.DropOldest(new SpoolBudget(1, 0), Txid.None);
        Assert.NotNull(FullImageStep.Run(scene.Database, (await NeedAsync(scene, step)).From));
        armedAt = store.Calls + 1 + when; // the claim, a listing, the file, a listing

        var failure = await Assert.ThrowsAsync<ReplicaConflictException>(
            async () => await step.RunAsync(scene.Position.Txid, Token));

        Assert.Contains(foreign.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], (await ListAsync(scene.Store, 0)).Select(file => (int)file.MaxTxid.Value));
        Assert.True(WriterClaim.TryParse((await scene.Store.ReadClaimAsync(Token))!)!.IsContested);
    }

    [Fact]
    public async Task The_first_file_after_a_start_goes_again_when_another_writers_image_lies_over_it()
    {
        using var scene = new CaptureScene();
        Capture(scene, 2);
        await scene.ReconcileAsync();
        var image = new LtxFileKey(Level.Captured, new LtxFileName(Txid.First, new Txid(9)));
        await PutAsync(scene, image, [1, 2, 3]);

        await Assert.ThrowsAsync<ReplicaConflictException>(() => scene.ShipAsync());

        Assert.Equal([image], (await ListAsync(scene.Store, 0)).Select(file => file.Key));
    }

    [Fact]
    public async Task An_image_cannot_bridge_another_page_size_so_a_snapshot_does()
    {
        using var scene = new CaptureScene();
        Capture(scene, 2);
        await scene.ShipAsync();
        ChangePageSize(scene);
        Capture(scene, 3);
        scene.Spool.DropOldest(new SpoolBudget(1, 0), Txid.None);
        foreach (var image in scene.Spool.ListImages())
        {
            scene.Spool.Delete(Spool.ImageOf(image));
        }

        await scene.ReconcileAsync();
        await scene.AssertNewestRestoresAsync();

        Assert.Single(await ListAsync(scene.Store, 9));
        Assert.DoesNotContain(await ListAsync(scene.Store, 0), file => file.MinTxid != file.MaxTxid);
        Assert.Equal(
            scene.Position.Txid, RestorePlan.From(scene.Upload.Catalog!.Files, new RestoreTarget.Latest()).MaxTxid);
    }

    [Fact]
    public async Task A_snapshot_of_another_page_size_goes_right_before_its_capture_and_an_end_in_between_leaves_no_hole()
    {
        using var scene = new CaptureScene();
        Capture(scene, 2);
        await scene.ShipAsync();
        Capture(scene, 1); // still with the old page size
        ChangePageSize(scene);
        Capture(scene, 2);
        await scene.ReconcileAsync();
        UploadResult result;
        do
        {
            result = await scene.Upload.RunAsync(scene.Position.Txid, Token);
        }
        while (result.File?.Level != Level.Snapshots);

        Assert.Equal(new Txid(3), (await ListAsync(scene.Store, 0))[^1].MaxTxid);
        scene.Restart();
        await scene.ReconcileAsync();
        await scene.AssertNewestRestoresAsync();

        Assert.Equal(new Txid(4), Assert.Single(await ListAsync(scene.Store, 9)).MaxTxid);
        AssertContiguous(await ListAsync(scene.Store, 0));
        Assert.Equal(5, (await ListAsync(scene.Store, 0)).Count);
    }

    private static void Capture(CaptureScene scene, int count)
    {
        for (; count > 0; count--)
        {
            scene.Source.Insert(10);
            scene.Capture();
        }
    }

    private static void ChangePageSize(CaptureScene scene)
    {
        scene.Stop();
        scene.Source.Run("PRAGMA journal_mode=delete");
        scene.Source.Run("PRAGMA page_size=1024");
        scene.Source.Run("VACUUM");
        scene.Source.Dispose();
        scene.Source = SourceDatabase.Open(scene.DatabasePath, pageSize: 1024);
        scene.Start();
    }

    private static UploadStep Step(CaptureScene scene, IReplicaStore store) => new(
        store, scene.Spool, new ClaimStep(store, scene.Database.Lineage, scene.Time, TimeSpan.FromSeconds(30)));

    private static async Task RunAsync(CaptureScene scene, UploadStep step)
    {
        while ((await step.RunAsync(scene.Position.Txid, Token)).Outcome == UploadOutcome.Uploaded)
        {
            // until all is there
        }
    }

    private static async Task<ImageRequest> NeedAsync(CaptureScene scene, UploadStep step)
    {
        UploadResult result;
        while ((result = await step.RunAsync(scene.Position.Txid, Token)).Outcome == UploadOutcome.Uploaded)
        {
            // captures before the hole
        }

        return result.Image!;
    }

    private static async Task PutAsync(CaptureScene scene, LtxFileKey key, byte[] content)
        => await scene.Store.WriteAsync(key, scene.Time.GetUtcNow(), new MemoryStream(content), Token);

    private static async Task<byte[]> ReadSpoolAsync(CaptureScene scene, Txid txid)
    {
        await using var content = scene.Spool.OpenRead(Spool.CaptureOf(txid));
        var bytes = new byte[content.Length];
        await content.ReadExactlyAsync(bytes, Token);
        return bytes;
    }

    private static async Task<byte[]> ReadAsync(MemoryStore store, LtxFileKey key)
    {
        await using var content = await store.OpenAsync(key, 0, null, Token);
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, Token);
        return bytes.ToArray();
    }

    private static async Task<LtxHeader> ReadHeaderAsync(MemoryStore store, LtxFileKey key)
    {
        using var reader = new LtxReader(new MemoryStream(await ReadAsync(store, key)), key.ToString());
        return await reader.ReadHeaderAsync(Token);
    }

    private static async Task<long> CountPagesAsync(MemoryStore store, LtxFileKey key)
    {
        using var reader = new LtxReader(new MemoryStream(await ReadAsync(store, key)), key.ToString());
        await reader.ReadHeaderAsync(Token);
        var (part, count) = (new LtxPart(), 0L);
        while (await reader.ReadPartAsync(part, Token))
        {
            count += part.Count;
            reader.AddPartChecksum(part.Decode(new byte[part.ExpandedLength]), part.LogicalLength);
        }

        await reader.ReadTrailerAsync(Token);
        reader.Finish();
        return count;
    }

    private static async Task<List<LtxFileInfo>> ListAsync(MemoryStore store, int level)
    {
        var files = new List<LtxFileInfo>();
        await foreach (var file in store.ListAsync(new Level(level), Txid.None, Token))
        {
            files.Add(file);
        }

        return files;
    }

    private static void AssertContiguous(List<LtxFileInfo> files)
    {
        foreach (var (file, next) in files.Zip(files.Skip(1)))
        {
            Assert.Equal(file.MaxTxid.Next(), next.MinTxid);
        }
    }
}
