using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Health;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>Keeps one destination of one database up to date: runs upload steps when something was captured, and backs off when the
/// destination fails.</summary>
/// <remarks>The loop runs on one task, which waits without a timer while there is nothing to ship. The other members may be called from any
/// thread.</remarks>
internal sealed class DestinationWorker
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromMinutes(1);

    private readonly DatabaseOptions _options;
    private readonly ReplicationScope _scope;
    private readonly UploadStep _step;
    private readonly MaintenanceWorker _maintenance;
    private readonly WakeSignal _wake = new();
    private readonly Lock _gate = new();

    private ulong _captured;
    private volatile bool _isReconciled;
    private volatile bool _wasAsked;
    private volatile bool _hasConflict;
    private ReplicaHead? _head;
    private LevelRepair? _wantedByUpload;
    private DateTimeOffset? _behindSince;
    private DateTimeOffset? _lastSuccess;
    private FailureStatus? _failure;
    private CancellationToken _stopping = new(canceled: true);

    public DestinationWorker(IReplicaStore store, Spool spool, Lineage lineage, DatabaseOptions options, ReplicationScope scope)
    {
        (_options, _scope) = (options, scope);
        _step = new UploadStep(store, spool, lineage);
        _maintenance = new MaintenanceWorker(_step, spool, lineage, options, scope);
    }

    /// <summary>Called after something changed that the database's own loop must look at: the head became known, a file was shipped, an image
    /// is wanted.</summary>
    public Action Changed { get; init; } = static () => { };

    public IReplicaStore Store => _step.Store;

    /// <summary>Whether it is known what the destination holds.</summary>
    public bool IsReconciled => _isReconciled;

    /// <summary>Whether it was asked what it holds, with or without an answer.</summary>
    public bool WasAsked => _wasAsked;

    /// <summary>Whether the destination leads to what was captured.</summary>
    public bool HasAll => _step.HasAll(Captured);

    /// <summary>The newest TXID that the destination is known to hold.</summary>
    public Txid Shipped => _step.Shipped;

    /// <summary>Up to where the destination holds this history.</summary>
    public Txid Delivered => _step.Delivered;
