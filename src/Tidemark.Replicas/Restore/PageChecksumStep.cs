using Tidemark.Formats;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>Reads one state of a replica as a restore does, with every check, and keeps the checksum of each page instead of a
/// database.</summary>
/// <remarks>A read that breaks off ends it. Needs one bit a page and a fixed number of buffers. Thread-safe: it has no state.</remarks>
/// <param name="store">The replica.</param>
public sealed class PageChecksumStep(IReplicaStore store)
{
    /// <summary>Reads the state.</summary>
    /// <param name="txid">Which state.</param>
    /// <param name="take">Is given the checksum of each page of the state except the lock page. What it was given may be used only when
    /// this has returned: only then every check was made. Where files vanish meanwhile, it may be given a page again, with the same
    /// value.</param>
    /// <param name="parallelism">How many reads are underway at once, and at most how many cores expand and check pages; at least 1.</param>
    /// <param name="progress">Is told how far this has come, about once per megabyte. Null for none.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="NoMatchingBackupException">The replica is empty.</exception>
    /// <exception cref="TxidNotRestorableException">No files lead to exactly this TXID.</exception>
    /// <exception cref="Formats.Ltx.LtxFormatException">A file is damaged.</exception>
    /// <exception cref="RestoreVerificationException">The files do not fit together.</exception>
    /// <exception cref="ReplicaStoreException">The store cannot be read.</exception>
    public async ValueTask<ReplicaState> RunAsync(
        Txid txid, TakePageChecksums take, int parallelism, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken)
    {
        for (var plans = 1; ; plans++)
        {
            var files = await ReplicaListing.ReadAllAsync(store, cancellationToken).ConfigureAwait(false);
            var plan = RestorePlan.From(files, new RestoreTarget.AtTxid(txid));
            var database = new Materialiser(store, plan, new PageChecksumSink(take), parallelism, time: null, progress);
            try
            {
                await database.RunAsync(cancellationToken).ConfigureAwait(false);
                return new ReplicaState(txid, database.PageSize, database.Pages, database.Checksum, database.IsProven);
            }
            catch (ReplicaFileNotFoundException) when (plans < StateReading.PlansMax)
            {
                // Retention or compaction has removed a file of the plan.
            }
        }
    }
}
