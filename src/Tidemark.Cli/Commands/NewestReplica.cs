using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Cli.Commands;

/// <summary>Of several destinations of one database, the one to restore from.</summary>
/// <param name="Store">The destination.</param>
/// <param name="Plan">What a restore from it would read.</param>
internal sealed record NewestReplica(IReplicaStore Store, RestorePlan Plan)
{
    /// <summary>Chooses the destination whose plan reaches furthest; the first of several that reach as far.</summary>
    /// <remarks>A destination that cannot be read is passed over with a warning while another one can.</remarks>
    /// <exception cref="NoMatchingBackupException">No destination has what is asked for.</exception>
    /// <exception cref="TidemarkException">No destination can be read.</exception>
    public static async Task<NewestReplica> ChooseAsync(
        IReadOnlyList<IReplicaStore> stores, RestoreTarget target, ILogger logger, CancellationToken cancellationToken)
    {
        NewestReplica? newest = null;
        var failures = new List<TidemarkException>();
        foreach (var store in stores)
        {
            try
            {
                var plan = RestorePlan.From(await ReplicaListing.ReadAllAsync(store, cancellationToken), target);
                newest = newest is null || plan.MaxTxid > newest.Plan.MaxTxid ? new NewestReplica(store, plan) : newest;
            }
            catch (TidemarkException e) when (stores.Count > 1)
            {
                logger.ReplicaPassedOver(store.Name, e.Message);
                failures.Add(e);
            }
        }

        // An unreachable store says more than an empty one: with it, nobody knows that there is no backup.
        return newest ?? throw failures.Find(failure => failure is not NoMatchingBackupException) ?? failures[0];
    }
}
