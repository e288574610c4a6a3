using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>The steps that merge files of a replica in a folder.</summary>
internal static class Merging
{
    /// <summary>Merges all that is new on the level below into a level.</summary>
    /// <returns>How many files were written.</returns>
    public static async Task<int> CompactAsync(string replicaFolder, string temporaryFolder, Level target)
    {
        var (store, catalog) = await OpenAsync(replicaFolder);
        var step = new CompactionStep(store, Lineage.Create(), PhysicalFileSystem.Instance, temporaryFolder);
        for (var files = 1; ; files++)
        {
            var result = await step.RunAsync(catalog, target, takesSingle: true, CancellationToken.None);
            ThrowUnlessCompacted(result);
            if (!result.HasMore)
            {
                return files;
            }
        }
    }

    /// <summary>Composes a snapshot of the newest state.</summary>
    public static async Task ComposeAsync(string replicaFolder, string temporaryFolder)
    {
        var (store, catalog) = await OpenAsync(replicaFolder);
        var step = new SnapshotCompositionStep(store, Lineage.Create(), PhysicalFileSystem.Instance, temporaryFolder);
        ThrowUnlessCompacted(await step.RunAsync(catalog, CancellationToken.None));
    }

    private static async Task<(LocalStore Store, ReplicaCatalog Catalog)> OpenAsync(string replicaFolder)
    {
        var store = new LocalStore(replicaFolder, PhysicalFileSystem.Instance);
        return (store, new ReplicaCatalog(await ReplicaListing.ReadAllAsync(store, CancellationToken.None)));
    }

    private static void ThrowUnlessCompacted(CompactionResult result)
    {
        if (result.Outcome != CompactionOutcome.Compacted)
        {
            throw result.Failure as Exception ?? new InvalidOperationException($"The run has ended with {result.Outcome}.");
        }
    }
}
