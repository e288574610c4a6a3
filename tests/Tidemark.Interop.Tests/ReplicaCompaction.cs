using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>Compacts a replica and deletes what was compacted, as a writer does over time.</summary>
/// <param name="store">The replica.</param>
/// <param name="catalog">What it holds.</param>
internal sealed class ReplicaCompaction(IReplicaStore store, ReplicaCatalog catalog) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static async Task<ReplicaCompaction> OpenAsync(IReplicaStore store)
        => new(store, new ReplicaCatalog(await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken)));

    /// <summary>Merges everything into a level, and deletes it from the level below.</summary>
    /// <returns>The files that were written.</returns>
    public async Task<IReadOnlyList<LtxFileInfo>> CompactAsync(int level)
    {
        var step = new CompactionStep(store, Lineage.Create(), PhysicalFileSystem.Instance, _folder["merges"]);
        var files = new List<LtxFileInfo>();
        while (await step.RunAsync(catalog, new Level(level), takesSingle: true, TestContext.Current.CancellationToken)
            is { Outcome: not CompactionOutcome.Idle } result)
        {
            files.Add(Written(result));
        }

        await DeleteAsync(file => file.Level.Value == level - 1);
        return files;
    }

    /// <summary>Composes a snapshot, and deletes everything else.</summary>
    public async Task<LtxFileInfo> ComposeAsync()
    {
        var step = new SnapshotCompositionStep(store, Lineage.Create(), PhysicalFileSystem.Instance, _folder["merges"]);
        var snapshot = Written(await step.RunAsync(catalog, TestContext.Current.CancellationToken));
        await DeleteAsync(file => file != snapshot);
        return snapshot;
    }

    public void Dispose() => _folder.Dispose();

    private static LtxFileInfo Written(CompactionResult result)
    {
        Assert.True(result.Outcome == CompactionOutcome.Compacted, $"{result.Outcome}: {result.Failure?.Message}");
        return result.File!.Value;
    }

    private async Task DeleteAsync(Func<LtxFileInfo, bool> which)
    {
        LtxFileKey[] keys = [.. catalog.Files.Where(which).Select(file => file.Key)];
        await store.DeleteAsync(keys, TestContext.Current.CancellationToken);
        foreach (var key in keys)
        {
            catalog.Remove(key);
        }
    }
}
