using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
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

    // A memory that is a little old is as good, and each one costs the disk of the spool a sync or two.
    private static readonly TimeSpan s_memoryInterval = TimeSpan.FromMinutes(1);

    private const ulong KeptForRepair = 100;

    private readonly DatabaseOptions _options;
    private readonly ReplicationScope _scope;
    private readonly UploadStep _step;
    private readonly MaintenanceWorker _maintenance;
    private readonly DestinationHealth _health;
    private readonly WakeSignal _wake = new();
    private readonly Lock _headGate = new();

    private ulong _captured;
    private long? _remembered;
    private volatile bool _isReconciled;
    private volatile bool _wasAsked;
    private ImageRequest? _wantedImage;
    private ReplicaHead? _head;
    private CancellationToken _stopping = new(canceled: true);

    /// <summary>Works for one destination; nothing is asked or written before a run.</summary>
    /// <param name="store">The destination.</param>
    /// <param name="number">Which of the database's destinations it is.</param>
    /// <param name="spool">The spool of the database.</param>
    /// <param name="lineage">What the writer puts into every file.</param>
    /// <param name="options">The database.</param>
    /// <param name="scope">What the run shares.</param>
    public DestinationWorker(
        IReplicaStore store, int number, Spool spool, Lineage lineage, DatabaseOptions options, ReplicationScope scope)
    {
        (_options, _scope) = (options, scope);
        _health = new DestinationHealth(options, scope, store.Name);
        var claim = new ClaimStep(store, lineage, scope.Time, options.ClaimCheckInterval);
        _step = new UploadStep(store, spool, claim)
        {
            Refills = options.RefillsDestinations,
            TakesOver = options.TakesOverDestinations,
            Holder = new HolderWatch(store, claim, scope.Time),
        };
        _maintenance = new MaintenanceWorker(_step, spool.Files, spool.TemporaryFolder(number), lineage, options, scope)
        {
            Changed = _wake.Set,
        };
    }

    /// <summary>Called after something changed that the database's own loop must look at: the head became known, a file was shipped, an image
    /// is wanted.</summary>
    public Action Changed { get; init; } = static () => { };

    public IReplicaStore Store => _step.Store;

    /// <summary>Whether it is known what the destination holds.</summary>
    public bool IsReconciled => _isReconciled && Refusal is null;

    /// <summary>See <see cref="UploadStep.AwaitsComparison"/>.</summary>
    public bool AwaitsComparison => _step.AwaitsComparison;

    /// <summary>See <see cref="UploadStep.Refusal"/>.</summary>
    public ReplicaConflictException? Refusal => _step.Refusal;

    /// <summary>Whether it was asked what it holds, with or without an answer.</summary>
    public bool WasAsked => _wasAsked;

    /// <summary>Whether the destination is looked at again before anything else is decided there.</summary>
    public bool IsInDoubt => _step.IsInDoubt;

    /// <summary>Whether the destination leads to what was captured.</summary>
    public bool HasAll => _step.HasAll(Captured);

    /// <summary>The newest TXID that the destination is known to hold.</summary>
    public Txid Shipped => _step.Shipped;

    /// <summary>Up to where the destination holds this history.</summary>
    public Txid Delivered => _step.Delivered;

    /// <summary>Up to where captures need not be kept for this destination: those that it holds but that were not read back yet could still turn
    /// out to be damaged, so the newest hundred of them stay until compaction has read them.</summary>
    public Txid Mended => new(Math.Min(
        Delivered.Value, Math.Max(_maintenance.ReadBack.Value, Delivered.Value - Math.Min(Delivered.Value, KeptForRepair))));

    /// <summary>What the destination holds, or null while it is not known.</summary>
    public ReplicaCatalog? Catalog => _step.Catalog;

    /// <summary>The image that has to be written to the spool for this destination, or null.</summary>
    public ImageRequest? WantedImage => Volatile.Read(ref _wantedImage);

    /// <summary>The image that maintenance has asked for and that is not shipped yet.</summary>
    public ImageRequest? Requested => _step.Requested;

    // What was read back of another history says nothing of this one.
    private Txid Proven => new(Math.Min(_maintenance.Proven.Value, Delivered.Value));

    private Txid Captured => new(Volatile.Read(ref _captured));

    /// <summary>Whether an image in the spool has to stay for this destination.</summary>
    public bool Wants(LtxFileName image) => _step.Wants(image);

    /// <summary>The head of the replica, once, after it became known and if there is one.</summary>
    public ReplicaHead? TakeHead()
    {
        lock (_headGate)
        {
            (var head, _head) = (_head, null);
            return head;
        }
    }

    /// <summary>See <see cref="BaseStep"/>.</summary>
    public async ValueTask<ReplicaState?> ReadBaseAsync(
        CapturedDatabase database, PageSize pageSize, IProgress<RestoreProgress> progress, CancellationToken cancellationToken)
    {
        try
        {
            return await BaseStep.RunAsync(database, pageSize, _step, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _wake.Set(); // What waited for the comparison goes on, or ends.
        }
    }

    /// <summary>What lies there could not be compared with the database. See <see cref="UploadStep.AcceptTakeover"/>.</summary>
    public void AcceptTakeover()
    {
        _step.AcceptTakeover();
        _wake.Set();
    }

    /// <summary>The spool has got a history meanwhile: the destination is looked at again.</summary>
    public void LookAgain()
    {
        _step.Distrust();
        _wake.Set();
    }

    /// <summary>How the destination stands.</summary>
    public DestinationStatus GetStatus()
        => _health.GetStatus(_isReconciled && _step.IsReconciled, Captured, Proven, _maintenance.Failure);

    /// <summary>Tells that everything up to this TXID is in the spool.</summary>
    public void Offer(Txid captured)
    {
        if (Interlocked.Exchange(ref _captured, captured.Value) == captured.Value)
        {
            return;
        }

        _health.NoteCapture(captured, Delivered);
        _wake.Set();
    }

    /// <summary>An image that was wanted is in the spool, and its capture was offered.</summary>
    public void OfferImage(ImageRequest wanted)
    {
        Interlocked.CompareExchange(ref _wantedImage, null, wanted);
        _wake.Set();
    }

    /// <summary>Begins compaction, snapshots and retention if they are due. By one thread.</summary>
    public void Sweep()
    {
        if (!_stopping.IsCancellationRequested)
        {
            _maintenance.Sweep(_stopping);
        }
    }

    /// <summary>Does what is due of compaction, snapshots and retention; see <see cref="MaintenanceWorker.RunIfDueAsync"/>. Instead of
    /// <see cref="Sweep"/>, where no loop runs.</summary>
    public Task MaintainAsync(CancellationToken stopping) => _maintenance.RunIfDueAsync(stopping);

    /// <summary>Ships until <paramref name="stopping"/>; a file that is on its way then is finished unless <paramref name="cutShort"/> ends
    /// it.</summary>
    /// <exception cref="ReplicaConflictException">Another writer's history lies at the destination; nothing more is shipped
    /// there.</exception>
    public async Task RunAsync(CancellationToken stopping, CancellationToken cutShort)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // A store that answers at once would hold back others.
        _scope.Logger.Replicating(_options.DatabasePath, Store.Name);
        _stopping = stopping;
        try
        {
            await ShipLoopAsync(stopping, cutShort).ConfigureAwait(false);
        }
        finally
        {
            _stopping = new CancellationToken(canceled: true);
            await _maintenance.EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ships what is left at the end, until everything is there or the token ends it. What fails is tried again, unless only a
    /// person can mend it.</summary>
    /// <returns>True when the destination has everything, and what was found damaged there is mended.</returns>
    public async Task<bool> DrainAsync(CancellationToken deadline)
    {
        try
        {
            return await TryDrainAsync(deadline).ConfigureAwait(false);
        }
        finally
        {
            Remember();
            await ReleaseAsync(deadline).ConfigureAwait(false);
        }
    }

    private async Task<bool> TryDrainAsync(CancellationToken deadline)
    {
        var reports = new FailureReports(_scope.Time);
        while (true)
        {
            try
            {
                using var place = await _scope.Shipping.EnterAsync(deadline).ConfigureAwait(false);
                await ShipAllAsync(CancellationToken.None, deadline).ConfigureAwait(false);
                return HasAll && Requested is null;
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
                return HasAll && Requested is null;
            }
            catch (Exception e)
            {
                NoteFailure(e);
                if (e is TidemarkException { IsTransient: false } || _options.ShutdownTimeout <= TimeSpan.Zero)
                {
                    return false;
                }

                if (reports.IsDue(Log.Reason(e)))
                {
                    _health.ReportFailure(_options.ShutdownRetryInterval, e);
                }
            }

            try
            {
                await Task.Delay(_options.ShutdownRetryInterval, _scope.Time, deadline).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    /// <summary>Ships everything that can be shipped now. Throws what goes wrong.</summary>
    public async Task ShipAllAsync(CancellationToken stopping, CancellationToken cutShort)
    {
        if (!_step.IsReconciled || _step.IsInDoubt)
        {
            await ReconcileAsync(cutShort).ConfigureAwait(false);
        }

        while (!stopping.IsCancellationRequested)
        {
            var result = await _step.RunAsync(Captured, cutShort).ConfigureAwait(false);
            _health.ReportClaim(_step.Claim.Finding);
            if (result.Outcome == UploadOutcome.Uploaded)
            {
                _health.NoteShipped(result.File!.Value, Captured, Delivered);
                Changed();
                continue;
            }

            if (result.Outcome == UploadOutcome.NeedsImage && result.Image != _wantedImage)
            {
                Volatile.Write(ref _wantedImage, result.Image);
                Changed();
            }

            if (_remembered is not { } last || _scope.Time.GetElapsedTime(last) >= s_memoryInterval)
            {
                Remember();
            }

            return;
        }
    }

    /// <summary>Notes in the spool what the destination holds, for the next run. Without it, that run only knows less.</summary>
    public void Remember()
    {
        _remembered = _scope.Time.GetTimestamp();
        try
        {
            _step.Remember(_scope.Time.GetUtcNow());
        }
        catch (Exception e)
        {
            // Whatever it is, nothing that matters now depends on it.
            _scope.Logger.NotRemembered(_options.DatabasePath, Store.Name, Log.Reason(e));
        }
    }

    /// <summary>Says at the destination that this run writes no more there. Whoever comes next waits a little where that fails.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _step.Claim.ReleaseAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _scope.Logger.NotReleased(_options.DatabasePath, Store.Name, Log.Reason(e));
        }
    }

    /// <summary>Does at once what <c>-once</c> is asked for beside capturing and shipping. Throws what goes wrong.</summary>
    /// <returns>Whether an image of the database was asked for; after it was shipped, this is to be called again.</returns>
    public Task<bool> MaintainOnceAsync(OnceOptions once, CancellationToken cancellationToken) => _maintenance.RunOnceAsync(once, cancellationToken);

    private async Task ShipLoopAsync(CancellationToken stopping, CancellationToken cutShort)
    {
        var backOff = new BackOff(s_delayMin, s_delayMax, _scope.Random);
        var reports = new FailureReports(_scope.Time);
        while (!stopping.IsCancellationRequested)
        {
            TimeSpan? delay = null;
            try
            {
                using var place = await _scope.Shipping.EnterAsync(stopping).ConfigureAwait(false);
                await ShipAllAsync(stopping, cutShort).ConfigureAwait(false);
                backOff.Reset();
                reports.Reset();
            }
            catch (ReplicaConflictException e)
            {
                _health.NoteFailure(e);
                _scope.Logger.ReplicaConflict(_options.DatabasePath, Store.Name, Log.Reason(e));
                throw;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested || cutShort.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it is, a cancellation by the store itself included: nobody else would tell of it, or try again.
                delay = backOff.Next();
                NoteFailure(e);
                if (reports.IsDue(Log.Reason(e)))
                {
                    _health.ReportFailure(delay.Value, e);
                }
            }

            try
            {
                // After a failure, a new capture is no reason to try again sooner.
                await (delay is { } known ? Task.Delay(known, _scope.Time, stopping) : _wake.WaitAsync(stopping).AsTask())
                    .ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private void NoteFailure(Exception failure)
    {
        _health.NoteFailure(failure);
        if (Log.IsDefect(failure))
        {
            _step.Distrust(); // What is known of the destination may be what is wrong.
        }
    }

    private async Task ReconcileAsync(CancellationToken cutShort)
    {
        try
        {
            var head = await _step.ReconcileAsync(cutShort).ConfigureAwait(false);
            _health.ReportClaim(_step.Claim.Finding);
            _health.NoteContent(Captured, Delivered, lacksNothing: HasAll && Requested is null);
            if (head is not null && _step.TookOver)
            {
                _health.ReportTakeover(head);
            }

            lock (_headGate)
            {
                _head = head?.Txid > _head?.Txid || _head is null ? head : _head;
            }

            _isReconciled = true; // Only now: who sees this finds the head too.
        }
        finally
        {
            if (!_wasAsked || _isReconciled)
            {
                _wasAsked = true;
                Changed();
            }
        }
    }
}
