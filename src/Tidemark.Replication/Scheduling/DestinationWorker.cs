using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>Keeps one destination of one database up to date: runs upload steps when something was captured, and backs off when the
/// destination fails.</summary>
/// <remarks>The loop runs on one task. The other members may be called from any thread.</remarks>
internal sealed class DestinationWorker(UploadStep step, DatabaseOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromMinutes(1);

    private readonly WakeSignal _wake = new();
    private readonly ConcurrentQueue<ReplicaHead> _heads = new();
    private ulong _captured;
    private ImageRequest? _wantedImage;
    private ClaimResult? _reportedClaim;
    private volatile bool _isReconciled;
    private volatile bool _wasAsked;

    /// <summary>Called after something changed that the database's own loop must look at: the head became known, a file was shipped, an
    /// image is wanted.</summary>
    public Action Changed { get; set; } = static () => { };

    public IReplicaStore Store => step.Store;

    /// <summary>Whether it is known what the destination holds.</summary>
    public bool IsReconciled => _isReconciled;

    /// <summary>Whether it was asked what it holds, with or without an answer.</summary>
    public bool WasAsked => _wasAsked;

    /// <summary>Whether the destination leads to what was captured.</summary>
    public bool HasAll => step.HasAll(Captured);

    /// <summary>The newest TXID that the destination is known to hold.</summary>
    public Txid Shipped => step.Shipped;

    /// <summary>Up to where the destination holds this history.</summary>
    public Txid Delivered => step.Delivered;

    /// <summary>The image that has to be written to the spool for this destination, or null.</summary>
    public ImageRequest? WantedImage => Volatile.Read(ref _wantedImage);

    /// <summary>The image that compaction has asked for and that is not shipped yet.</summary>
    public ImageRequest? Requested => step.Requested;

    /// <summary>What the destination holds, or null while that is not known.</summary>
    public ReplicaCatalog? Catalog => step.Catalog;

    private Txid Captured => new(Volatile.Read(ref _captured));

    /// <summary>The head of the replica, once, after it became known and if there is one.</summary>
    public ReplicaHead? TakeHead() => _heads.TryDequeue(out var head) ? head : null;

    /// <summary>Tells that everything up to this TXID is in the spool.</summary>
    public void Offer(Txid captured)
    {
        if (Interlocked.Exchange(ref _captured, captured.Value) != captured.Value)
        {
            _wake.Set();
        }
    }

    /// <summary>An image that was wanted is in the spool, and its capture was offered.</summary>
    public void OfferImage(ImageRequest wanted)
    {
        Interlocked.CompareExchange(ref _wantedImage, null, wanted);
        _wake.Set();
    }

    /// <inheritdoc cref="UploadStep.RequestImage"/>
    public void RequestImage(Level level, Txid from)
    {
        step.RequestImage(level, from);
        _wake.Set();
    }

    /// <summary>Ships until <paramref name="stopping"/>; a file that is on its way then is finished unless <paramref name="cutShort"/> ends
    /// it.</summary>
    /// <exception cref="ReplicaConflictException">Another writer's history lies at the destination; nothing more is shipped
    /// there.</exception>
    public async Task RunAsync(CancellationToken stopping, CancellationToken cutShort)
    {
        var backOff = new BackOff(s_delayMin, s_delayMax, Random.Shared);
        while (!stopping.IsCancellationRequested)
        {
            var delay = Timeout.InfiniteTimeSpan;
            try
            {
                await ShipAllAsync(stopping, cutShort).ConfigureAwait(false);
                backOff.Reset();
            }
            catch (ReplicaConflictException e)
            {
                logger.ReplicaConflict(options.DatabasePath, Store.Name, Log.Reason(e));
                throw;
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
            {
                delay = backOff.Next();
                logger.ShippingFailed(options.DatabasePath, Store.Name, delay.TotalMilliseconds, Log.Reason(e));
            }
            catch (OperationCanceledException) when (cutShort.IsCancellationRequested)
            {
                return;
            }

            try
            {
                // After a failure, a new capture is no reason to try again sooner.
                await (delay == Timeout.InfiniteTimeSpan
                    ? _wake.WaitAsync(delay, time, stopping).AsTask()
                    : Task.Delay(delay, time, stopping)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>Ships what is left at the end, with retries, until everything is there or the token ends it.</summary>
    /// <returns>True when the destination has everything.</returns>
    public async Task<bool> DrainAsync(CancellationToken deadline)
    {
        while (true)
        {
            try
            {
                await ShipAllAsync(CancellationToken.None, deadline).ConfigureAwait(false);
                return HasAll;
            }
            catch (Exception e) when (IsWorthAnotherTry(e) && options.ShutdownTimeout > TimeSpan.Zero)
            {
                logger.ShippingFailed(options.DatabasePath, Store.Name, options.ShutdownRetryInterval.TotalMilliseconds, Log.Reason(e));
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                return false;
            }

            try
            {
                await Task.Delay(options.ShutdownRetryInterval, time, deadline).ConfigureAwait(false);
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
        if (!step.IsReconciled)
        {
            try
            {
                if (await step.ReconcileAsync(cutShort).ConfigureAwait(false) is { } head)
                {
                    _heads.Enqueue(head);
                    if (step.TookOver)
                    {
                        logger.TookOver(options.DatabasePath, Store.Name, head.Txid, head.Lineage);
                    }
                }

                ReportClaim();
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

        while (!stopping.IsCancellationRequested)
        {
            var result = await step.RunAsync(Captured, cutShort).ConfigureAwait(false);
            ReportClaim();
            if (result.Outcome == UploadOutcome.Uploaded)
            {
                logger.Shipped(options.DatabasePath, result.File!.Value.Key.ToString(), Store.Name, result.File.Value.SizeBytes);
                Changed();
                continue;
            }

            if (result.Outcome == UploadOutcome.NeedsImage && result.Image != _wantedImage)
            {
                Volatile.Write(ref _wantedImage, result.Image);
                Changed();
            }

            return;
        }
    }

    private void ReportClaim()
    {
        if (step.ClaimFinding is not { } finding || finding == _reportedClaim)
        {
            return;
        }

        _reportedClaim = finding;
        switch (finding)
        {
            case { Outcome: ClaimOutcome.OtherWriter, Found: { } found }:
                logger.ClaimTaken(options.DatabasePath, Store.Name, found);
                break;
            case { Outcome: ClaimOutcome.Contested, Found: { } found }:
                logger.ClaimWasContested(options.DatabasePath, Store.Name, found);
                break;
            default:
                logger.ClaimUnreadable(options.DatabasePath, Store.Name);
                break;
        }
    }

    private static bool IsWorthAnotherTry(Exception failure)
        => failure is IOException or UnauthorizedAccessException or (TidemarkException and not ReplicaConflictException);
}
