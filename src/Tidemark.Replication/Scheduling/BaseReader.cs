using Tidemark.Formats;
using Tidemark.Replicas.Restore;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Scheduling;

/// <summary>Reads from a destination what the next capture is compared with, where the spool does not know it.</summary>
/// <param name="database">The database.</param>
/// <param name="destinations">Its destinations, asked in this order.</param>
/// <param name="scope">What the run shares.</param>
internal sealed class BaseReader(CapturedDatabase database, IReadOnlyList<DestinationWorker> destinations, ReplicationScope scope)
{
    // A destination that hangs must not hold back captures, nor one that trickles. A full image would then be the faster way.
    private static readonly TimeSpan s_stallMax = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_timeMax = TimeSpan.FromMinutes(5);

    /// <summary>Reads the base if there is none. Whatever goes wrong, a capture of all pages is right too.</summary>
    public async ValueTask ReadIfMissingAsync(CancellationToken stopping)
    {
        if (CaptureStep.FindWantOfBase(database) is not { } pageSize)
        {
            foreach (var destination in destinations.Where(other => other.AwaitsComparison && database.Position is not null))
            {
                destination.LookAgain(); // Another one was faster, and the spool knows a history since.
            }

            return;
        }

        await ReadAsync(pageSize, stopping).ConfigureAwait(false);
        foreach (var destination in destinations.Where(destination => destination.AwaitsComparison && destination.Refusal is null))
        {
            destination.AcceptTakeover(); // It could not be compared; that was reported.
        }

        if (database.Position is null
            && !destinations.Any(destination => destination.IsReconciled)
            && destinations.Select(destination => destination.Refusal).FirstOrDefault(refusal => refusal is not null) is { } first)
        {
            throw first;
        }
    }

    private async ValueTask ReadAsync(PageSize pageSize, CancellationToken stopping)
    {

        using var stall = new CancellationTokenSource(s_stallMax, scope.Time);
        using var deadline = new CancellationTokenSource(s_timeMax, scope.Time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, stall.Token, deadline.Token);
        var progress = new ImmediateProgress(() => stall.CancelAfter(s_stallMax));
        var isRead = false;
        foreach (var destination in destinations.Where(destination => destination.IsReconciled))
        {
            if (isRead && !destination.AwaitsComparison)
            {
                continue;
            }

            try
            {
                stall.CancelAfter(s_stallMax);
                if (await destination.ReadBaseAsync(database, pageSize, progress, ending.Token).ConfigureAwait(false) is { } state)
                {
                    scope.Logger.TookBase(database.Path, destination.Store.Name, state.Txid, state.PageCount);
                    isRead = true;
                }
            }
            catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
            {
                scope.Logger.BaseFailed(database.Path, destination.Store.Name, "it took too long.");
                return;
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
            {
                scope.Logger.BaseFailed(database.Path, destination.Store.Name, Log.Reason(e));
            }
        }
    }

    /// <summary>Tells of every step where it happens; <see cref="Progress{T}"/> would tell later and in any order.</summary>
    private sealed class ImmediateProgress(Action whenReported) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => whenReported();
    }
}
