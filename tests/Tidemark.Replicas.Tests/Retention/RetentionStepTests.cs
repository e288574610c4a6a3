using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Retention;

public sealed class RetentionStepTests
{
    private static readonly RetentionOptions s_options = new();

    private readonly MemoryStore _store = new();

    [Fact]
    public async Task What_the_plan_names_is_deleted_and_leaves_the_catalog()
    {
        var catalog = await FillAsync(captures: 1_200);
        var plan = Plan(catalog);
        var store = new FaultingStore(_store, _ => null);
        var result = await new RetentionStep(store).RunAsync(plan, catalog, CancellationToken.None);
        Assert.Equal(new RetentionResult(1_199, 1_199), result);
        Assert.Equal(3, store.Calls);
        Assert.Equal("0:1200-1200 1:1-1200", Listing.Text(catalog.Files));
        Assert.Equal(catalog.Files, await ReplicaListing.ReadAllAsync(_store, default));
        Assert.Equal(new RetentionResult(0, 0), await new RetentionStep(store).RunAsync(Plan(catalog), catalog, CancellationToken.None));
        Assert.Equal(3, store.Calls);
    }

    [Theory]
    [InlineData(StoreFault.Before)]
    [InlineData(StoreFault.Midway)]
    [InlineData(StoreFault.After)]
    public async Task A_failure_leaves_the_rest_for_the_next_run(StoreFault fault)
    {
        var catalog = await FillAsync(captures: 1_200);
        var failing = FaultingStore.FailingAt(_store, call: 2, fault);
        await Assert.ThrowsAsync<ReplicaStoreException>(
            () => new RetentionStep(failing).RunAsync(Plan(catalog), catalog, CancellationToken.None).AsTask());
        Assert.Equal(700, catalog.At(Level.Captured).Count); // What is in doubt stays in the catalog.
        Assert.Equal(new Txid(501), catalog.At(Level.Captured)[0].MinTxid);

        await new RetentionStep(failing).RunAsync(Plan(catalog), catalog, CancellationToken.None);
        Assert.Equal("0:1200-1200 1:1-1200", Listing.Text(await ReplicaListing.ReadAllAsync(_store, default)));
        Assert.Equal("0:1200-1200 1:1-1200", Listing.Text(catalog.Files));
    }

    [Fact]
    public async Task A_cancelled_run_ends_between_two_calls()
    {
        var catalog = await FillAsync(captures: 1_200);
        using var cancellation = new CancellationTokenSource();
        var store = new FaultingStore(new AfterDeleting(_store, cancellation.Cancel), _ => null);
        await Assert.ThrowsAsync<OperationCanceledException>(
            () => new RetentionStep(store).RunAsync(Plan(catalog), catalog, cancellation.Token).AsTask());
        Assert.Equal(1, store.Calls);
        Assert.Equal(catalog.Files, await ReplicaListing.ReadAllAsync(_store, default));
        Assert.Equal(700, catalog.At(Level.Captured).Count);
    }

    private static RetentionPlan Plan(ReplicaCatalog catalog)
        => RetentionPlan.From(catalog.Files, History.TimeOf(100_000), s_options);

    /// <summary>As many captures of one byte, and one compacted file that takes their place.</summary>
    private async Task<ReplicaCatalog> FillAsync(int captures)
    {
        var files = Enumerable.Range(1, captures).Select(txid => $"0:{txid}-{txid}").Append($"1:1-{captures}");
        foreach (var file in files.Select(Listing.ParseFile))
        {
            await _store.WriteAsync(file.Key, file.Created, new MemoryStream([1]), CancellationToken.None);
        }

        return new ReplicaCatalog(await ReplicaListing.ReadAllAsync(_store, CancellationToken.None));
    }

    private sealed class AfterDeleting(IReplicaStore inner, Action then) : StoreDecorator(inner)
    {
        public override async ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
        {
            await base.DeleteAsync(keys, cancellationToken);
            then();
        }
    }
}
