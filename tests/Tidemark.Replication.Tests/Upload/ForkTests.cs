using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Replication.Tests.Health;
using Tidemark.Replication.Tests.Scheduling;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Upload;

/// <summary>Destinations that hold another history than the spool, or a part of one, and what is said of them.</summary>
public sealed class ForkTests : IDisposable
{
    private const int NotShipped = 2011;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string DatabasePath => _folder["app.db"];

    private string SpoolPath => _folder[".app.db-tidemark"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Fork_is_not_ended_by_a_base_below_a_capture_that_does_not_say_what_it_continues()
    {
        using var scene = await ForkedAsync(64 << 20);
        scene.Source.Insert(1);
        scene.LosePageChecksums(distrusts: false); // TXID 3 goes on in the WAL, without a checksum of what was before.
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        Assert.Equal(new Txid(3), scene.Position.Txid);
        Assert.Null((await scene.ReadHeaderAsync(new Txid(3))).Proof.Before);
        scene.LosePageChecksums(distrusts: true);
        scene.Source.Insert(1);
        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
        scene.LosePageChecksums(distrusts: true);
        scene.Source.Insert(1);
        await scene.ReconcileAsync();
        Assert.True(scene.Upload.Delivered.IsNone); // forked
        _ = await scene.ReadBaseAsync();
        scene.Capture();
        await scene.ShipWithImagesAsync();

        await AssertAllRestorableAreRightAsync(scene);
    }

    [Fact]
    public async Task Fork_is_not_ended_by_a_base_below_a_capture_without_any_proof_which_restores_a_state_that_never_was()
    {
        using var scene = await ForkedAsync(64 << 10);
        scene.LosePageChecksums(distrusts: false);
        for (var i = 0; i < 4; i++)
        {
            scene.Source.Run($"UPDATE t SET data = randomblob(100) WHERE id BETWEEN {(i * 400) + 1} AND {(i * 400) + 390}");
        }

        scene.Capture(); // in pieces, of which only the last has a proof of what is after it
        Assert.Equal(LtxProof.None, (await scene.ReadHeaderAsync(new Txid(3))).Proof);
        scene.LosePageChecksums(distrusts: true);
        scene.Source.Insert(1);
        Assert.Equal(CaptureOutcome.Image, scene.Capture().Outcome);
        scene.LosePageChecksums(distrusts: true);
        scene.Source.Insert(1);
        await scene.ReconcileAsync();
        Assert.True(scene.Upload.Delivered.IsNone); // forked
        _ = await scene.ReadBaseAsync();
        scene.Capture();
        await scene.ShipWithImagesAsync();

        var states = await ReadSpoolStatesAsync(scene);
        var restored = await RestoreAsync(scene, new Txid(3));
        if (restored is not null)
        {
            Assert.True(states[3].SequenceEqual(restored), "TXID 3 restores, without an error, to a state that no history ever had.");
        }
    }

    [Fact]
    public async Task Fork_is_seen_where_an_image_lies_at_the_destination_and_the_capture_of_that_txid_has_no_proof()
    {
        using var scene = new CaptureScene(captureBytesMax: 16 << 10);
        scene.Source.Insert(2000);
        scene.Capture();
        await scene.ReconcileAsync();
        await scene.ShipAsync();
        var first = scene.Position.Txid;
        scene.Stop();
        TemporaryFolder.Copy(scene.SpoolPath, scene.Folder["fork"]);
        scene.Start();

        // The destination was away, and the spool too small: it goes on from an image of two captures.
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id BETWEEN 1900 AND 1990");
        scene.Capture();
        scene.Spool.Delete(Spool.CaptureOf(first.Next()));
        await scene.ReconcileAsync();
        await scene.ShipWithImagesAsync();
        var head = scene.Position.Txid;
        Assert.Equal(first.Value + 2, head.Value);
        scene.Stop();

        // The older spool without its page checksums goes on, in pieces.
        scene.LoseSpool();
        TemporaryFolder.Copy(scene.Folder["fork"], scene.SpoolPath);
        File.Delete(Path.Combine(scene.SpoolPath, "pages"));
        scene.Start();
        for (var i = 0; i < 4; i++)
        {
            scene.Source.Run($"UPDATE t SET data = randomblob(100) WHERE id BETWEEN {(i * 200) + 1} AND {(i * 200) + 150}");
        }

        scene.Capture();
        Assert.True(scene.Position.Txid > head);
        Assert.Equal(LtxProof.None, (await scene.ReadHeaderAsync(head)).Proof);
        await scene.ReconcileAsync();
        await scene.ShipWithImagesAsync();

        Assert.True(scene.Upload.HasAll(scene.Position.Txid));
        var restored = await RestoreAsync(scene, scene.Position.Txid);
        Assert.True(restored is not null, "The newest state of a destination that has everything cannot be restored.");
        Assert.Equal(scene.Source.Serialize().Length, restored.Length);
    }

    [Fact]
    public async Task Once_does_not_report_success_where_a_destination_holds_another_state_under_the_same_txid_as_the_adopted_one()
    {
        using var source = Create();
        var (first, second) = (new MemoryStore(), new MemoryStore());
        await OnceAsync(first, second);
        TemporaryFolder.Copy(SpoolPath, _folder["fork"]);
        source.Insert(10);
        await OnceAsync(first);
        PutSpoolBack();
        source.Insert(10);
        await OnceAsync(second);
        Directory.Delete(SpoolPath, recursive: true); // The spool is lost.

        await OnceAsync(second, first);

        await AssertNewestIsAsync(source, second);
        await AssertNewestIsAsync(source, first); // It was said that everything is there.
    }

    [Fact]
    public async Task Upload_does_not_have_all_where_it_holds_another_state_under_the_adopted_txid_after_a_restart_either()
    {
        using var source = Create();
        var (first, second) = (new MemoryStore(), new MemoryStore());
        await OnceAsync(first, second);
        TemporaryFolder.Copy(SpoolPath, _folder["fork"]);
        source.Insert(10);
        await OnceAsync(first);
        PutSpoolBack();
        source.Insert(10);
        await OnceAsync(second);
        Directory.Delete(SpoolPath, recursive: true);
        await OnceAsync(second); // Takes the base, and finds no difference: the spool has a position without a capture.

        await OnceAsync(first);

        await AssertNewestIsAsync(source, first);
    }

    [Fact]
    public async Task A_forked_destination_lags_until_it_is_bridged_and_proves_nothing_and_the_end_says_why_it_is_not()
    {
        using var source = Create();
        var store = new MemoryStore();
        await OnceAsync(store);
        TemporaryFolder.Copy(SpoolPath, _folder["fork"]);
        source.Insert(10);
        await OnceAsync(store);
        PutSpoolBack();
        source.Insert(10);
        await OnceAsync(new MemoryStore()); // The same TXID, and another state.

        var failures = 0;
        var files = new HookedFileSystem
        {
            Opening = path =>
            {
                if (path.Contains("/ltx/9/", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref failures);
                    throw new IOException("No room for an image.");
                }
            },
        };
        using var events = new EventLog();
        await using var run = RunningReplicator.Start(files, events, RunningReplicator.Options(DatabasePath, store));
        var status = await run.WaitAsync(DatabasePath, status => status.Destinations[0].IsKnown && Volatile.Read(ref failures) > 0);

        Assert.True(status.Destinations[0] is { LagTransactions: > 0, Proven.IsNone: true }, status.Destinations[0].ToString());
        await Assert.ThrowsAsync<TidemarkException>(run.StopAsync);
        Assert.Contains("No room for an image.", Assert.Single(events.Of(NotShipped)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Once_does_not_report_success_where_a_destination_that_answers_late_is_ahead()
    {
        using var source = Create();
        var (alive, late) = (new MemoryStore(), new MemoryStore());
        await OnceAsync(alive, late);
        TemporaryFolder.Copy(SpoolPath, _folder["fork"]);
        for (var i = 0; i < 3; i++)
        {
            source.Insert(10);
            await OnceAsync(late);
        }

        PutSpoolBack();
        source.Insert(10);
        try
        {
            await OnceAsync(alive, FaultingStore.FailingAt(late, 1, StoreFault.Before)); // Its first listing fails.
        }
        catch (TidemarkException)
        {
            return; // Said that something is missing.
        }

        await AssertNewestIsAsync(source, alive);
        await AssertNewestIsAsync(source, late);
    }

    [Fact]
    public async Task Shutdown_does_not_report_success_where_a_destination_that_answers_at_the_end_is_ahead()
    {
        var source = Create();
        var (alive, late) = (new MemoryStore(), new MemoryStore());
        await OnceAsync(alive, late);
        TemporaryFolder.Copy(SpoolPath, _folder["fork"]);
        for (var i = 0; i < 5; i++)
        {
            source.Insert(10);
            await OnceAsync(late);
        }

        PutSpoolBack();
        var isDown = true;
        var store = new FaultingStore(late, _ => Volatile.Read(ref isDown) ? StoreFault.Before : null);
        source.Insert(10);
        await using var run = RunningReplicator.Start(RunningReplicator.Options(DatabasePath, alive, store) with
        {
            ShutdownTimeout = TimeSpan.FromSeconds(20),
            ShutdownRetryInterval = TimeSpan.FromMilliseconds(20),
        });
        await run.WaitAsync(DatabasePath, status => status.Captured == new Txid(2) && status.Destinations[0].Shipped == status.Captured
            && status.Destinations[1].Failure is not null);
        var expected = source.Serialize();
        source.Dispose(); // So that it shows when the last capture is made and the database closed.
        var stopping = run.StopAsync();
        while (!File.Exists(Path.Combine(SpoolPath, "end")))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);
        }

        Volatile.Write(ref isDown, false);
        try
        {
            await stopping;
        }
        catch (TidemarkException)
        {
            return; // Said that something is missing.
        }

        await AssertNewestIsAsync(expected, alive);
        await AssertNewestIsAsync(expected, late);
    }

    [Fact]
    public async Task A_destination_that_was_away_while_the_page_size_changed_twice_comes_to_an_end()
    {
        var source = Create();
        var (other, away) = (new MemoryStore(), new MemoryStore());
        await OnceAsync(other, away);
        foreach (var pageSize in (int[])[1024, 2048])
        {
            source.Run("PRAGMA journal_mode=delete");
            source.Run($"PRAGMA page_size={pageSize}");
            source.Run("VACUUM");
            source.Dispose();
            source = SourceDatabase.Open(DatabasePath, pageSize);
            source.Insert(10);
            await Assert.ThrowsAnyAsync<TidemarkException>(() => OnceAsync(other, new FaultingStore(away, _ => StoreFault.Before)));
        }

        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        var counting = new FaultingStore(away, _ => null);
        try
        {
            await Engine(other, counting).RunOnceAsync(new OnceOptions(), end.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"It did not end; {counting.Calls} calls of the store so far.");
        }

        await AssertNewestIsAsync(source, away);
        source.Dispose();
    }

    [Fact]
    public async Task A_capture_of_another_history_is_not_shipped_in_the_place_of_a_damaged_one_below_the_image_that_ended_a_fork()
    {
        using var scene = await ForkedAsync(64 << 20);
        await scene.ReconcileAsync();
        await scene.ShipWithImagesAsync();
        await scene.AssertNewestRestoresAsync();

        var isShipped = await scene.Upload.TryShipAgainAsync(Spool.CaptureOf(new Txid(2)), Token);

        Assert.False(isShipped, "TXID 2 of this history was written over TXID 2 of the other one, which the destination's history holds.");
    }

    [Fact]
    public async Task The_end_does_not_say_that_all_is_well_while_an_image_that_has_to_mend_the_destination_is_not_shipped()
    {
        using var source = Create();
        var store = new MemoryStore();
        for (var i = 0; i < 4; i++)
        {
            await OnceAsync(store);
            source.Insert(10);
        }

        await using (var content = await store.OpenAsync(Spool.CaptureOf(new Txid(1)), 0, null, Token))
        {
            using var bytes = new MemoryStream();
            await content.CopyToAsync(bytes, Token);
            bytes.GetBuffer()[bytes.Length / 2] ^= 1;
            bytes.Position = 0;
            await store.WriteAsync(Spool.CaptureOf(new Txid(1)), DateTimeOffset.UnixEpoch, bytes, Token);
        }

        var failures = 0;
        var files = new HookedFileSystem
        {
            Opening = path =>
            {
                if (path.Contains("/ltx/9/", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref failures);
                    throw new IOException("No room for an image.");
                }
            },
        };
        using var stop = new CancellationTokenSource();
        var replicator = new Replicator(
            [RunningReplicator.Options(DatabasePath, store)], files, TimeProvider.System, NullLoggerFactory.Instance);
        var run = replicator.RunAsync(stop.Token, Token);
        while (Volatile.Read(ref failures) == 0
            || replicator.GetStatus() is not [{ Destinations: [{ LagTransactions: 0, IsKnown: true }] }])
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
        }

        var status = replicator.GetStatus()[0];
        TestContext.Current.TestOutputHelper?.WriteLine($"{status.Failure} {status.Destinations[0]}");
        await stop.CancelAsync();
        try
        {
            await run;
        }
        catch (TidemarkException)
        {
            return; // Said that something is missing.
        }

        var output = _folder["restored.db"];
        await new RestoreStep(store, PhysicalFileSystem.Instance, TimeProvider.System).RunAsync(
            new RestoreTarget.Latest(), new RestoreOptions { OutputPath = output }, Token);
    }

    // The destination holds TXIDs 1 and 2A, the spool 1 and 2B.
    private static async Task<CaptureScene> ForkedAsync(long captureBytesMax)
    {
        var scene = new CaptureScene(captureBytesMax: captureBytesMax);
        scene.Source.Insert(2000);
        scene.Capture();
        await scene.ReconcileAsync();
        await scene.ShipAsync();
        scene.Stop();
        TemporaryFolder.Copy(scene.SpoolPath, scene.Folder["fork"]);
        scene.Start();
        scene.Source.Insert(100);
        scene.Capture();
        await scene.ReconcileAsync();
        await scene.ShipAsync();
        scene.Stop();
        scene.LoseSpool();
        TemporaryFolder.Copy(scene.Folder["fork"], scene.SpoolPath);
        scene.Start();
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 1950");
        while (CaptureStep.Run(scene.Database).HasMore)
        {
            // all of it
        }

        scene.Note();
        return scene;
    }

    private static async Task AssertAllRestorableAreRightAsync(CaptureScene scene)
    {
        foreach (var txid in RestorePlan.From(scene.Upload.Catalog!.Files, new RestoreTarget.Latest()).Files.Select(file => file.MaxTxid))
        {
            Assert.NotNull(await RestoreAsync(scene, txid));
        }
    }

    // Null where the restore is refused.
    private static async Task<byte[]?> RestoreAsync(CaptureScene scene, Txid txid)
    {
        var output = scene.Folder[$"restored-{Guid.NewGuid()}.db"];
        try
        {
            await new RestoreStep(scene.Store, PhysicalFileSystem.Instance, TimeProvider.System).RunAsync(
                new RestoreTarget.AtTxid(txid), new RestoreOptions { OutputPath = output }, Token);
        }
        catch (TidemarkException e)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{txid}: {e.Message}");
            return null;
        }

        return await File.ReadAllBytesAsync(output, Token);
    }

    // What the captures of the spool, one after another, lead to.
    private static async Task<Dictionary<ulong, byte[]>> ReadSpoolStatesAsync(CaptureScene scene)
    {
        var store = new MemoryStore();
        foreach (var name in scene.Spool.ListCaptures())
        {
            await using var content = scene.Spool.OpenRead(new LtxFileKey(Level.Captured, name));
            await store.WriteAsync(new LtxFileKey(Level.Captured, name), scene.Time.GetUtcNow(), content, Token);
        }

        var states = new Dictionary<ulong, byte[]>();
        foreach (var name in scene.Spool.ListCaptures())
        {
            states[name.MaxTxid.Value] = await NaiveRestore.RunAsync(store, name.MaxTxid, Token);
        }

        return states;
    }

    private static Task AssertNewestIsAsync(SourceDatabase source, MemoryStore store) => AssertNewestIsAsync(source.Serialize(), store);

    private static async Task AssertNewestIsAsync(byte[] expected, MemoryStore store)
    {
        var plan = RestorePlan.From(await ReplicaListing.ReadAllAsync(store, Token), new RestoreTarget.Latest());
        var restored = await NaiveRestore.RunAsync(store, plan.MaxTxid, Token);
        Assert.True(expected.SequenceEqual(restored), $"The newest state, TXID {plan.MaxTxid}, is not the database.");
    }

    private SourceDatabase Create()
    {
        var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(10);
        return source;
    }

    private void PutSpoolBack()
    {
        Directory.Delete(SpoolPath, recursive: true);
        TemporaryFolder.Copy(_folder["fork"], SpoolPath);
    }

    private Replicator Engine(params IReplicaStore[] stores) => new(
        [RunningReplicator.Options(DatabasePath, stores)], PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance);

    private Task OnceAsync(params IReplicaStore[] stores) => Engine(stores).RunOnceAsync(new OnceOptions(), Token);
}
