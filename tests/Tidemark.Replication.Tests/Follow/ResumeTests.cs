using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Follow;

/// <summary>A follower that starts again finds a replica that captures, compaction and retention have changed meanwhile.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly CaptureScene _scene = new();

    private string Output => _scene.Folder["copy.db"];

    [Fact]
    public async Task Newer_than_the_newest_snapshot_it_goes_on()
    {
        await CaptureAsync(3);
        await ComposeAsync();
        await CaptureAsync(2);
        await FollowAsync();
        await CaptureAsync(1);
        await AssertFollowsAsync(FollowOutcome.Applied);
    }

    [Fact]
    public async Task Without_level_0_it_goes_on_from_level_1()
    {
        await CaptureAsync(3);
        await FollowAsync();
        await CaptureAsync(5);
        await CompactAsync(1);
        await RetainAsync();
        Assert.DoesNotContain((await ListAsync()).Where(file => file.Level == Level.Captured), file => file.MinTxid == new Txid(4));
        await CaptureAsync(2);
        await AssertFollowsAsync(FollowOutcome.Applied);
    }

    [Fact]
    public async Task Without_level_1_it_goes_on_from_level_2()
    {
        await CaptureAsync(3);
        await FollowAsync();
        await CaptureAsync(5);
        await CompactAsync(1);
        await CompactAsync(2);
        await RemoveAsync(file => file.Level.Value < 2);
        await AssertFollowsAsync(FollowOutcome.Applied);
    }

    [Fact]
    public async Task With_nothing_but_a_newer_snapshot_it_restores_again()
    {
        await CaptureAsync(3);
        await FollowAsync();
        await CaptureAsync(5);
        await ComposeAsync();
        await RemoveAsync(file => file.Level != Level.Snapshots);
        await AssertFollowsAsync(FollowOutcome.RestoredAgain, FollowReason.HistoryPruned);
    }

    [Fact]
    public async Task With_nothing_newer_it_waits()
    {
        await CaptureAsync(3);
        await FollowAsync();
        await AssertFollowsAsync(FollowOutcome.Resumed);
        await CompactAsync(1);
        await RetainAsync();
        await AssertFollowsAsync(FollowOutcome.Resumed);
    }

    [Fact]
    public async Task Past_the_end_of_a_replica_that_was_put_back_it_restores_again()
    {
        await CaptureAsync(3);
        var expected = _scene.Source.Serialize();
        await CaptureAsync(3);
        await FollowAsync();
        await RemoveAsync(file => file.MaxTxid > new Txid(3));
        using var step = Step(_scene.Store);
        var position = await RunAsync(step);
        Assert.Equal((FollowOutcome.RestoredAgain, FollowReason.ReplicaIsBehind), (position.Outcome, position.Reason));
        AssertIs(expected);
    }

    [Fact]
    public async Task Another_database_that_was_replicated_to_the_same_place_is_restored_again()
    {
        await CaptureAsync(3);
        await FollowAsync();
        using var other = new CaptureScene();
        for (var i = 0; i < 5; i++)
        {
            other.Source.Insert(20);
            other.Capture();
        }

        await other.ShipAsync();
        using var step = Step(other.Store);
        var position = await RunAsync(step);
        Assert.Equal((FollowOutcome.RestoredAgain, FollowReason.OtherHistory), (position.Outcome, position.Reason));
        AssertIs(other.Source.Serialize());
    }

    [Fact]
    public async Task A_writer_that_takes_the_replica_over_is_followed()
    {
        await CaptureAsync(3);
        await FollowAsync();
        _scene.Stop();
        _scene.LoseSpool();
        _scene.Start();
        _scene.Source.Insert(10);
        await _scene.ReconcileAsync();
        await _scene.ReadBaseAsync();
        await CaptureAsync(2);
        await AssertFollowsAsync(FollowOutcome.Applied);
    }

    [Fact]
    public async Task A_full_image_that_bridges_lost_captures_is_applied()
    {
        await CaptureAsync(3);
        await FollowAsync();
        await CaptureAsync(2);
        await RemoveAsync(file => file.MinTxid == new Txid(5));
        _scene.Refills = true;
        _scene.Restart();
        _scene.Source.Insert(10);
        _scene.Capture();
        await _scene.ReconcileAsync();
        await _scene.ShipWithImagesAsync();
        await AssertFollowsAsync(FollowOutcome.Applied);
    }

    [Fact]
    public async Task A_source_that_vacuums_and_shrinks_is_followed()
    {
        await CaptureAsync(4);
        await FollowAsync();
        _scene.Source.Run("DELETE FROM t WHERE id % 10 > 0");
        await CaptureAsync(1);
        _scene.Source.Run("VACUUM");
        _scene.Capture();
        await _scene.ShipAsync();
        await AssertFollowsAsync(FollowOutcome.Applied);
    }

    public void Dispose() => _scene.Dispose();

    private static Task<FollowPosition> RunAsync(FollowStep step) => step.RunAsync(TestContext.Current.CancellationToken).AsTask();

    private async Task CaptureAsync(int captures)
    {
        for (var i = 0; i < captures; i++)
        {
            _scene.Time.Advance(TimeSpan.FromSeconds(1));
            _scene.Source.Insert(200);
            _scene.Capture();
        }

        await _scene.ShipAsync();
    }

    private async Task CompactAsync(int level)
    {
        var catalog = new ReplicaCatalog(await ListAsync());
        var step = new CompactionStep(_scene.Store, _scene.Database.Lineage, PhysicalFileSystem.Instance, _scene.Folder["merges"]);
        var result = await step.RunAsync(catalog, new Level(level), takesSingle: true, TestContext.Current.CancellationToken);
        Assert.Equal(CompactionOutcome.Compacted, result.Outcome);
    }

    private async Task ComposeAsync()
    {
        var catalog = new ReplicaCatalog(await ListAsync());
        var step = new SnapshotCompositionStep(
            _scene.Store, _scene.Database.Lineage, PhysicalFileSystem.Instance, _scene.Folder["merges"]);
        Assert.Equal(CompactionOutcome.Compacted, (await step.RunAsync(catalog, TestContext.Current.CancellationToken)).Outcome);
    }

    private async Task RetainAsync()
    {
        var catalog = new ReplicaCatalog(await ListAsync());
        _scene.Time.Advance(TimeSpan.FromHours(1));
        var plan = RetentionPlan.From(catalog.Files, _scene.Time.GetUtcNow(), new RetentionOptions());
        Assert.NotEmpty(plan.Deletions);
        await new RetentionStep(_scene.Store).RunAsync(plan, catalog, TestContext.Current.CancellationToken);
    }

    private async Task RemoveAsync(Func<LtxFileInfo, bool> which)
        => await _scene.Store.DeleteAsync(
            [.. (await ListAsync()).Where(which).Select(file => file.Key)], TestContext.Current.CancellationToken);

    private async Task<IReadOnlyList<LtxFileInfo>> ListAsync()
        => await ReplicaListing.ReadAllAsync(_scene.Store, TestContext.Current.CancellationToken);

    private FollowStep Step(MemoryStore store)
        => new(store, PhysicalFileSystem.Instance, TimeProvider.System, new FollowOptions { OutputPath = Output });

    private async Task FollowAsync()
    {
        using var step = Step(_scene.Store);
        await RunAsync(step);
        AssertIs(_scene.Source.Serialize());
    }

    /// <summary>A follower that starts again comes to what the source is.</summary>
    private async Task AssertFollowsAsync(FollowOutcome outcome, FollowReason reason = FollowReason.None)
    {
        using var step = Step(_scene.Store);
        var position = await RunAsync(step);
        Assert.Equal((outcome, reason, _scene.Position.Txid), (position.Outcome, position.Reason, position.Txid));
        AssertIs(_scene.Source.Serialize());
    }

    private void AssertIs(byte[] expected)
    {
        using var reader = SourceDatabase.Open(Output, journalMode: "delete");
        Assert.Equal("ok", reader.Run("PRAGMA integrity_check"));
        Assert.Equal(FollowedPages.Neutral(expected), FollowedPages.Neutral(reader.Serialize()));
    }
}
