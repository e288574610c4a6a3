using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Snapshots;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>Keeps one database captured and all its destinations up to date.</summary>
/// <remarks>
/// Decides only when a step runs. The first change of a quiet database is captured at once (leading edge); further ones are gathered for
/// the sync interval (trailing edge). A slow poll, which only looks at SQLite's index of the WAL in shared memory, stands behind the
/// notices of the file system.
/// </remarks>
internal sealed class DatabaseWorker : IDisposable
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromSeconds(30);

    // Every reader pins the WAL for a moment; only one that stays is worth a word.
    private static readonly TimeSpan s_pinReportedAfter = TimeSpan.FromSeconds(10);

    private readonly DatabaseOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WalWatch _watch;
    private readonly Spool _spool;
    private readonly CapturedDatabase _database;
    private readonly CheckpointStep _checkpoint;
    private readonly IReadOnlyList<DestinationWorker> _destinations;
    private readonly WakeSignal _wake = new();
    private readonly BackOff _backOff = new(s_delayMin, s_delayMax, Random.Shared);

    private readonly Action _walChanged;

    private DateTimeOffset? _pinnedSince;
    private bool _isWaitingForDatabase;
    private bool _hasLooked;

    /// <summary>Reads the spool; nothing is opened or started before a run.</summary>
    /// <exception cref="IOException">The spool cannot be created or read.</exception>
    public DatabaseWorker(DatabaseOptions options, IFileSystem files, TimeProvider time, ILogger logger, WalWatch watch)
    {
        (_options, _time, _logger, _watch) = (options, time, logger, watch);
        _walChanged = _wake.Set;
        _spool = Spool.Open(files, options.SpoolPath ?? Spool.DefaultPath(files, options.DatabasePath));
        try
        {
            _database = new CapturedDatabase(options.DatabasePath, _spool, files, time, SettingsOf(options));
        }
        catch
        {
            _spool.Dispose();
            throw;
        }

        _checkpoint = new CheckpointStep(_database, new CheckpointPolicy((uint)options.CheckpointPages, options.CheckpointInterval));
        _destinations = [.. options.Destinations.Select(
            store => new DestinationWorker(new UploadStep(store, _spool, _database.Lineage), options, time, logger)
            {
                Changed = OnDestinationChanged,
            })];
    }

    /// <summary>Runs until <paramref name="stopping"/>, then captures and ships what is left.</summary>
    /// <param name="stopping">Begins the shutdown.</param>
    /// <param name="cutShort">Ends the shutdown at once.</param>
    /// <returns>True when every destination has everything.</returns>
    /// <exception cref="ReplicaConflictException">No destination is left that this database may be shipped to.</exception>
    /// <exception cref="TidemarkException">The database cannot be replicated at all: it is not one, or this user may not write
    /// it.</exception>
    public async Task<bool> RunAsync(CancellationToken stopping, CancellationToken cutShort)
    {
        foreach (var destination in _destinations)
        {
            _logger.Replicating(_options.DatabasePath, destination.Store.Name);
        }

        using var shippingEnd = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        using var registration = cutShort.Register(shippingEnd.Cancel);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var loops = _destinations.Select(destination => destination.RunAsync(ending.Token, shippingEnd.Token)).ToArray();
        foreach (var loop in loops)
        {
            // A destination that has ended for good wakes the loop below.
            _ = loop.ContinueWith(
                _ => _wake.Set(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        try
        {
            await CaptureLoopAsync(loops, stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The shutdown follows.
        }
        catch
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await shippingEnd.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        if (_options.ShutdownTimeout > TimeSpan.Zero)
        {
            shippingEnd.CancelAfter(_options.ShutdownTimeout);
        }

        await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await FinishAsync(shippingEnd.Token).ConfigureAwait(false);
    }

    /// <summary>Captures and ships everything once.</summary>
    /// <exception cref="TidemarkException">Something could not be captured or shipped.</exception>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        var failures = new List<Exception>();
        await ShipOnceAsync(failures, cancellationToken).ConfigureAwait(false);
        if (_database.Position is null && !_destinations.Any(destination => destination.IsReconciled))
        {
            throw Combine(failures);
        }

        TakeHeads();
        if (CaptureAll(cancellationToken).Outcome == CaptureOutcome.NoDatabase)
        {
            throw new DatabaseException(
                $"{_options.DatabasePath}: there is no database.", "Check the path, or start the application that creates it first.");
        }

        failures.Clear();
        await ShipOnceAsync(failures, cancellationToken).ConfigureAwait(false);
        WriteSnapshots();
        _database.CloseInOrder();
        failures.Clear();
        await ShipOnceAsync(failures, cancellationToken).ConfigureAwait(false);
        if (failures.Count > 0)
        {
            throw Combine(failures);
        }

        Invariant.Holds(
            _destinations.All(destination => destination.HasAll),
            $"Every destination of {_options.DatabasePath} leads to TXID {_database.Position!.Txid} after everything was shipped.");
        CleanSpool();
    }

    // One destination that fails holds back no other.
    private async Task ShipOnceAsync(List<Exception> failures, CancellationToken cancellationToken)
    {
        foreach (var destination in _destinations)
        {
            try
            {
                await destination.ShipAllAsync(CancellationToken.None, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
            {
                failures.Add(e);
            }
        }
    }

    private static TidemarkException Combine(List<Exception> failures)
    {
        var different = failures.DistinctBy(failure => failure.Message).ToArray();
        return different is [TidemarkException only]
            ? only
            : new TidemarkException(string.Join(' ', different.Select(Log.Reason)), null, different[0]);
    }

    public void Dispose() => _database.Dispose();

    private static CaptureSettings SettingsOf(DatabaseOptions options) => new(
        options.CaptureBytesMax > 0 ? options.CaptureBytesMax : long.MaxValue, options.BusyTimeout, Environment.ProcessorCount);

    private async Task CaptureLoopAsync(Task[] loops, CancellationToken stopping)
    {
        var lastCapture = _time.GetTimestamp() - (long)(_options.SyncInterval.TotalSeconds * _time.TimestampFrequency);
        var isDue = true;
        while (!stopping.IsCancellationRequested)
        {
            if (loops.Length > 0 && loops.All(loop => loop.IsFaulted))
            {
                await loops[0].ConfigureAwait(false);
            }

            if (isDue || NeedsLook())
            {
                var rest = _options.SyncInterval - _time.GetElapsedTime(lastCapture);
                if (rest > TimeSpan.Zero)
                {
                    await Task.Delay(rest, _time, stopping).ConfigureAwait(false);
                }

                var before = _database.Position?.Txid;
                if (Step(stopping) is { } failureDelay)
                {
                    // After a failure, a change is no reason to try again sooner.
                    await Task.Delay(failureDelay, _time, stopping).ConfigureAwait(false);
                    isDue = true;
                    continue;
                }

                if (_database.Position?.Txid != before)
                {
                    lastCapture = _time.GetTimestamp();
                }
            }

            isDue = await _wake.WaitAsync(_options.MonitorInterval, _time, stopping).ConfigureAwait(false);
        }
    }

    /// <summary>Captures, checkpoints and writes snapshots as far as they are due. Returns how long to wait after a failure.</summary>
    private TimeSpan? Step(CancellationToken stopping)
    {
        try
        {
            // The first TXID follows what the destinations hold, so all of them are asked first. One that does not answer holds back no
            // other: should it be found to hold the same TXIDs later on, it goes on from a snapshot.
            var canBegin = _database.Position is not null
                || (_destinations.All(destination => destination.WasAsked) && _destinations.Any(destination => destination.IsReconciled));
            TakeHeads();
            if (!canBegin)
            {
                return null;
            }

            Arm();
            if (CaptureAll(stopping).Outcome != CaptureOutcome.NoDatabase)
            {
                Checkpoint();
                WriteSnapshots();
            }

            _backOff.Reset();
            _hasLooked = true;
            return null;
        }
        catch (TidemarkException e) when (!_hasLooked && !e.IsTransient)
        {
            // A wrong path or a missing right is for the person to mend who has just started this. Later on it is reported and tried again.
            throw;
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            var delay = _backOff.Next();
            _logger.CaptureFailed(_options.DatabasePath, delay.TotalMilliseconds, Log.Reason(e));
            return delay;
        }
    }

    /// <summary>Captures everything that is committed now.</summary>
    private CaptureResult CaptureAll(CancellationToken stopping)
    {
        var last = CaptureStep.Run(_database, result =>
        {
            Take(result);
            return !stopping.IsCancellationRequested;
        });
        Take(last);
        return last;

        void Take(in CaptureResult result)
        {
            Report(result);
            if (result.Outcome is not (CaptureOutcome.Idle or CaptureOutcome.NoDatabase))
            {
                Offer();
            }
        }
    }

    private void Checkpoint()
    {
        var result = _checkpoint.Run();
        if (result.Action == CheckpointAction.None)
        {
            return;
        }

        Offer(); // A seal captures the last frames.
        var progress = result.Progress;
        _logger.Checkpointed(
            _options.DatabasePath, progress.FramesCopied, progress.FramesInWal, result.IsSealed, result.WriteLockHeld.TotalMilliseconds);
        if (!result.IsPinned)
        {
            _pinnedSince = null;
            return;
        }

        var now = _time.GetUtcNow();
        _pinnedSince ??= now;
        if (progress.FramesInWal >= _options.CheckpointPages && now - _pinnedSince >= s_pinReportedAfter)
        {
            _logger.Pinned(_options.DatabasePath, _pinnedSince.Value, progress.FramesInWal);
        }
    }

    private void WriteSnapshots()
    {
        var wanting = _destinations.Where(destination => destination.WantsSnapshot).ToArray();
        if (wanting.Length == 0 || SnapshotStep.Run(_database) is not { } snapshot)
        {
            return;
        }

        foreach (var destination in wanting)
        {
            _logger.Snapshot(_options.DatabasePath, snapshot.MaxTxid, destination.Store.Name);
            destination.OfferSnapshot();
        }

        Offer();
    }

    private async Task<bool> FinishAsync(CancellationToken deadline)
    {
        if (_database.Position is null)
        {
            // The end came before it was known what the destinations hold, which the first TXID has to follow.
            await Task.WhenAll(_destinations.Select(destination => destination.DrainAsync(deadline))).ConfigureAwait(false);
        }

        var isCaptured = await TryCaptureLastAsync(deadline).ConfigureAwait(false);

        // The guard is given back before the network is waited for.
        if (isCaptured)
        {
            _database.CloseInOrder();
        }

        _database.Close();
        var txid = _database.Position?.Txid ?? Txid.None;
        var shipped = await Task.WhenAll(_destinations.Select(destination => destination.DrainAsync(deadline))).ConfigureAwait(false);
        for (var i = 0; i < shipped.Length; i++)
        {
            if (!shipped[i])
            {
                _logger.NotShipped(_options.DatabasePath, _destinations[i].Store.Name, _destinations[i].Shipped, txid, _spool.Path);
            }
        }

        var isComplete = isCaptured && shipped.All(done => done);
        if (isComplete && !txid.IsNone)
        {
            _logger.Stopped(_options.DatabasePath, txid);
        }

        return isComplete;
    }

    // What is only in passing in the way, such as a writer with a long transaction, is waited for like a destination.
    private async Task<bool> TryCaptureLastAsync(CancellationToken deadline)
    {
        while (true)
        {
            try
            {
                TakeHeads();
                if (_database.Position is null && !_destinations.All(destination => destination.IsReconciled))
                {
                    return false;
                }

                var last = CaptureAll(deadline);
                WriteSnapshots();
                return !last.HasMore;
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
            {
                var isRetried = e is TidemarkException { IsTransient: true } && _options.ShutdownTimeout > TimeSpan.Zero;
                _logger.CaptureFailed(
                    _options.DatabasePath, isRetried ? _options.ShutdownRetryInterval.TotalMilliseconds : 0, Log.Reason(e));
                if (!isRetried)
                {
                    return false;
                }
            }

            try
            {
                await Task.Delay(_options.ShutdownRetryInterval, _time, deadline).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private void TakeHeads()
    {
        foreach (var destination in _destinations)
        {
            while (destination.TakeHead() is { } head)
            {
                _database.NoteReplica(head.Txid, head.PageSize);
            }
        }

        Offer();
    }

    private void Offer()
    {
        foreach (var destination in _destinations)
        {
            destination.Offer(_database.Position?.Txid ?? Txid.None);
        }
    }

    private void OnDestinationChanged()
    {
        CleanSpool();
        _wake.Set();
    }

    private void CleanSpool() => _spool.DeleteUpTo(_destinations.Min(destination => destination.Delivered));

    private void Arm()
    {
        if (_database.Live is { } live)
        {
            _watch.Arm(live.WalPath, _walChanged);
        }
    }

    private bool NeedsLook()
        => _database.LookAtWal() != WalLook.Nothing
            || _database.Live!.HasMoved()
            || _options.CheckpointInterval > TimeSpan.Zero && _checkpoint.IsDue;

    private void Report(in CaptureResult result)
    {
        switch (result.Outcome)
        {
            case CaptureOutcome.NoDatabase:
                if (!_isWaitingForDatabase)
                {
                    _logger.WaitingForDatabase(_options.DatabasePath);
                }

                break;
            case CaptureOutcome.Frames:
                _logger.Captured(_options.DatabasePath, result.Txid, result.PageCount);
                break;
            case CaptureOutcome.Image when result.Discontinuity is null:
                _logger.CapturedImage(_options.DatabasePath, result.Txid, result.PageCount);
                break;
            case CaptureOutcome.NoDifference:
                _logger.Unchanged(_options.DatabasePath, result.Txid);
                break;
            case CaptureOutcome.Image or CaptureOutcome.Difference:
                _logger.Healed(_options.DatabasePath, result.Discontinuity, result.PageCount, result.Txid);
                break;
        }

        _isWaitingForDatabase = result.Outcome == CaptureOutcome.NoDatabase;
    }
}
