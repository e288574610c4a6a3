using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Retention;

/// <summary>Deletes the files of a plan from a replica.</summary>
/// <remarks>Thread-safe: it has no state.</remarks>
/// <param name="store">The replica.</param>
public sealed class RetentionStep(IReplicaStore store)
{
    /// <summary>How many files one call to the store deletes: within what the common stores take at once, and short enough to be cancelled
    /// between two.</summary>
    private const int DeletionsMax = 500;

    /// <summary>Deletes in the order of the plan, and takes from <paramref name="catalog"/> what was deleted.</summary>
    /// <remarks>After a failure, files that the catalog still names may be gone already. Deleting them again does no harm, so the next plan
    /// mends it.</remarks>
    /// <param name="plan">Made from what <paramref name="catalog"/> holds.</param>
    /// <param name="catalog">What there is in the replica.</param>
    /// <param name="cancellationToken">Ends the run; what was not deleted is left for the next.</param>
    /// <returns>What was deleted.</returns>
    /// <exception cref="ReplicaStoreException">The store cannot delete. What was not deleted is left for the next run.</exception>
    public async ValueTask<RetentionResult> RunAsync(RetentionPlan plan, ReplicaCatalog catalog, CancellationToken cancellationToken)
    {
        foreach (var chunk in plan.Deletions.Chunk(DeletionsMax))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await store.DeleteAsync([.. chunk.Select(file => file.Key)], cancellationToken).ConfigureAwait(false);
            foreach (var file in chunk)
            {
                catalog.Remove(file.Key);
            }
        }

        return new RetentionResult(plan.Deletions.Count, plan.TotalSizeBytes);
    }
}
