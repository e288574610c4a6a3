using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replication.Health;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>How one destination stands: what its status tells, what is counted, and what is logged when something changes.</summary>
/// <remarks>Told by the loop of the destination, and by that of its database when something was captured; asked from any thread.</remarks>
/// <param name="options">The database.</param>
/// <param name="scope">What the run shares.</param>
/// <param name="destination">Name of the destination.</param>
internal sealed class DestinationHealth(DatabaseOptions options, ReplicationScope scope, string destination)
{
    private readonly Lock _gate = new();
    private ClaimResult? _reportedClaim;
    private Txid _shipped;
    private DateTimeOffset? _behindSince;
    private DateTimeOffset? _lastSuccess;
    private FailureStatus? _failure;
    private bool _hasConflict;

    /// <summary>The status.</summary>
    /// <param name="isKnown">Whether it is known what the destination holds.</param>
    /// <param name="captured">The newest capture in the spool.</param>
    /// <param name="proven">Up to which TXID what the destination holds was read back.</param>
    /// <param name="maintenanceFailure">Why compaction, snapshots or retention fail.</param>
    public DestinationStatus GetStatus(bool isKnown, Txid captured, Txid proven, FailureStatus? maintenanceFailure)
    {
        var now = scope.Time.GetUtcNow();
        lock (_gate)
        {
            var shipped = _shipped; // As of the newest failure or success, which stand beside it.
            var lag = captured > shipped && _behindSince is { } since && now > since ? now - since : TimeSpan.Zero;
            return new DestinationStatus
            {
                Destination = destination,
                IsKnown = isKnown,
                Shipped = shipped,
                LagTransactions = captured > shipped ? captured.Value - shipped.Value : 0,
                Lag = lag,
                Proven = proven,
                LastSuccess = _lastSuccess,
                Failure = _failure,
                MaintenanceFailure = maintenanceFailure,
                HasConflict = _hasConflict,
            };
        }
    }

    /// <summary>Something was captured.</summary>
    public void NoteCapture(Txid captured, Txid shipped)
    {
        lock (_gate)
        {
            _behindSince ??= captured > shipped ? scope.Time.GetUtcNow() : null;
        }
    }

    /// <summary>It became known what the destination holds.</summary>
    /// <param name="captured">The newest capture in the spool.</param>
    /// <param name="shipped">The newest TXID there.</param>
    /// <param name="lacksNothing">Whether nothing has to be written there. Otherwise a failure has not ended: a place that can be listed may
    /// still be one that cannot be written to.</param>
    public void NoteContent(Txid captured, Txid shipped, bool lacksNothing)
    {
        bool hadFailed;
        lock (_gate)
        {
            (_shipped, _behindSince) = (shipped, captured > shipped ? _behindSince ?? scope.Time.GetUtcNow() : null);
            hadFailed = lacksNothing && EndFailure();
        }

        ReportEndOf(hadFailed);
    }

    /// <summary>A file was shipped.</summary>
    public void NoteShipped(LtxFileInfo file, Txid captured, Txid shipped)
    {
        bool hadFailed;
        lock (_gate)
        {
            // The oldest change that is missing was made after the newest one that is there.
            (_shipped, _behindSince) = (shipped, captured > shipped ? file.Created : null);
            hadFailed = EndFailure();
        }

        ReportEndOf(hadFailed);
        scope.Metrics.Shipped(options.DatabasePath, destination, file.SizeBytes);
        scope.Logger.Shipped(options.DatabasePath, file.Key.ToString(), destination, file.SizeBytes);
    }

    /// <summary>Another writer's history was taken over.</summary>
    public void ReportTakeover(ReplicaHead head) => scope.Logger.TookOver(options.DatabasePath, destination, head.Txid, head.Lineage);

    /// <summary>Who is known to write there. Each finding is logged once.</summary>
    public void ReportClaim(ClaimResult? claim)
    {
        if (claim is not { } finding || finding == _reportedClaim)
        {
            return;
        }

        _reportedClaim = finding;
        switch (finding)
        {
            case { Outcome: ClaimOutcome.OtherWriter, Found: { } found }:
                scope.Logger.ClaimTaken(options.DatabasePath, destination, found);
                break;
            case { Outcome: ClaimOutcome.Contested, Found: { } found }:
                scope.Logger.ClaimWasContested(options.DatabasePath, destination, found);
                break;
            default:
                scope.Logger.ClaimUnreadable(options.DatabasePath, destination);
                break;
        }
    }

    /// <summary>Something went wrong.</summary>
    public void NoteFailure(Exception e)
    {
        scope.Metrics.ShippingFailed(options.DatabasePath, destination);
        lock (_gate)
        {
            _failure = new FailureStatus(scope.Time.GetUtcNow(), Log.Reason(e));
            _hasConflict |= e is ReplicaConflictException;
        }
    }

    /// <summary>Logs a failure after which the work is tried again.</summary>
    public void ReportFailure(TimeSpan retryAfter, Exception e)
    {
        if (Log.IsDefect(e))
        {
            scope.Logger.Defect($"shipping to {destination}", options.DatabasePath, e.ToString());
        }
        else
        {
            scope.Logger.ShippingFailed(options.DatabasePath, destination, retryAfter.TotalMilliseconds, Log.Reason(e));
        }
    }

    // Within the gate. Whether there was a failure.
    private bool EndFailure()
    {
        var hadFailed = _failure is not null;
        (_lastSuccess, _failure) = (scope.Time.GetUtcNow(), null);
        return hadFailed;
    }

    private void ReportEndOf(bool failure)
    {
        if (failure)
        {
            scope.Logger.ShipsAgain(options.DatabasePath, destination);
        }
    }
}
