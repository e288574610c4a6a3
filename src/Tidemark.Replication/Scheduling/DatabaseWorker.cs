using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Health;
using Tidemark.Replication.Images;

namespace Tidemark.Replication.Scheduling;

/// <summary>Keeps one database captured and all its destinations up to date.</summary>
/// <remarks>
/// <para>Decides only when a step runs. The first change of a quiet database is captured at once (leading edge); further ones are gathered
/// for the sync interval (trailing edge). Notices of the file system wake it, and behind them the sweep of the run, which looks at the
/// WAL's index in memory. A notice comes before the commit that it tells of, so a WAL that was just written to is looked at a few times
/// more (<see cref="CommitWait"/>).</para>
/// <para>Nothing waits on a timer while the database rests.</para>
/// </remarks>
internal sealed class DatabaseWorker : IDisposable
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromSeconds(30);

    // One that has not answered by then is looked at as one that does not answer.
    private static readonly TimeSpan s_answerAwaited = TimeSpan.FromSeconds(10);

    // An image needs as much room as the database: a disk that has no room for it must not be filled again and again.
    private static readonly TimeSpan s_imageDelayMin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_imageDelayMax = TimeSpan.FromMinutes(10);

    // Most commits take a few milliseconds; a disk that is busy takes its time.
    private static readonly TimeSpan s_commitDelayMin = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_commitDelayMax = TimeSpan.FromMilliseconds(640);

    // Every reader pins the WAL for a moment; only one that stays is worth a word.
    private static readonly TimeSpan s_pinReportedAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_pinReportedEvery = TimeSpan.FromMinutes(10);

    private const int SweepsPerMoveCheck = 4;

    // A commit can come long after the notice of its last frame, where the disk is slow. After that, where a notice is awaited, a look finds
    // only what a lost one did not tell, or another file in the place of the database.
    private const int SweepsUntilRest = 60;
    private const int SweepsPerLookAtRest = 8;

    // A destination that hangs must not hold back captures, nor one that trickles. A full image would then be the faster way.
    private static readonly TimeSpan s_baseStallMax = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_baseTimeMax = TimeSpan.FromMinutes(5);

    private readonly DatabaseOptions _options;
    private readonly bool _mustBegin;
    private readonly ReplicationScope _scope;
    private readonly Spool _spool;
    private readonly CapturedDatabase _database;
    private readonly CheckpointStep _checkpoint;
    private readonly IReadOnlyList<DestinationWorker> _destinations;
    private readonly WakeSignal _wake = new();
    private readonly Action _changed;
    private readonly BackOff _backOff;
    private readonly BackOff _imageBackOff;
    private readonly CommitWait _commitWait = new(s_commitDelayMin, s_commitDelayMax);
    private readonly TaskCompletionSource _firstLook = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Held by whoever uses the connections: one step at a time, and the sweep between two steps.
    private readonly SemaphoreSlim _steps = new(1, 1);
    private readonly Lock _statusGate = new();

    private FileFacts? _walFacts;
    private (long Since, TimeSpan Delay) _imagePause;
    private Txid _cleanedUpTo;
    private long _started;
    private long? _lastPinReport;
    private long _lastSweep;
    private int _sweeps;
    private int _sweepsUntilRest;
    private volatile bool _isArmed;
    private bool _isWaitingForDatabase;
    private DatabaseState _state;
    private DateTimeOffset? _lastSuccess;
    private FailureStatus? _failure;
    private WalPinStatus? _pin;
    private Txid _captured;

    /// <summary>Reads the spool; nothing is opened or started before a run.</summary>
    /// <exception cref="IOException">The spool cannot be created or read.</exception>
    /// <param name="options">The database.</param>
    /// <param name="mustBegin">Whether it is for somebody to mend, and not for time, if the database cannot be replicated at the
    /// beginning.</param>
    /// <param name="scope">What the run shares.</param>
    public DatabaseWorker(DatabaseOptions options, bool mustBegin, ReplicationScope scope)
    {
        (_options, _mustBegin, _scope) = (options, mustBegin, scope);
        _backOff = new BackOff(s_delayMin, s_delayMax, scope.Random);
        _imageBackOff = new BackOff(s_imageDelayMin, s_imageDelayMax, scope.Random);
        _changed = OnNotice;
        _sweeps = scope.Random.Next(SweepsPerLookAtRest); // So that not all databases are looked at in the same sweep.
        _spool = Spool.Open(
            new AlikeFileSystem(scope.Files, options.DatabasePath), options.SpoolPath ?? Spool.DefaultPath(scope.Files, options.DatabasePath));
        try
        {
            _database = new CapturedDatabase(options.DatabasePath, _spool, scope.Files, scope.Time, SettingsOf(options));
        }
        catch
        {
            _spool.Dispose();
            throw;
        }

        _captured = _database.Position?.Txid ?? Txid.None;
        _checkpoint = new CheckpointStep(_database, new CheckpointPolicy((uint)options.CheckpointPages, options.CheckpointInterval), result => Report(result));
        _destinations = [.. options.Destinations.Select(
            (store, number) => new DestinationWorker(store, number, _spool, _database.Lineage, options, scope)
            {
                Changed = OnDestinationChanged,
            })];
    }

    /// <summary>Path of the database.</summary>
    public string DatabasePath => _options.DatabasePath;

    /// <summary>How often the sweep looks at the database.</summary>
    public TimeSpan MonitorInterval => _options.MonitorInterval;

    /// <summary>The names of the destinations.</summary>
    public IEnumerable<string> Destinations => _options.Destinations.Select(store => store.Name);

    /// <summary>Ends when the database was looked at for the first time, or is waited for; fails when it cannot be replicated at all.</summary>
    public Task FirstLook => _firstLook.Task;

    /// <summary>How the database stands. From any thread.</summary>
    public DatabaseStatus GetStatus()
    {
        var wal = _scope.Files.TryGetFacts(_database.Live?.WalPath ?? _options.DatabasePath + "-wal");
        lock (_statusGate)
        {
            return new DatabaseStatus
            {
                DatabasePath = _options.DatabasePath,
                State = _state,
                Captured = _captured,
                LastSuccess = _lastSuccess,
                Failure = _failure,
                WalBytes = wal?.SizeBytes ?? 0,
                Pin = _pin,
                SpoolBytes = _spool.SizeBytes,
                Destinations = [.. _destinations.Select(destination => destination.GetStatus())],
            };
        }
    }

    /// <summary>Looks whether the database or a destination has work that no notice has told of, and wakes it. Called now and then, by one
    /// thread; costs next to nothing while there is none.</summary>
    public void Sweep()
    {
        if (_scope.Time.GetElapsedTime(_lastSweep) < _options.MonitorInterval)
        {
            return;
        }

        _lastSweep = _scope.Time.GetTimestamp();
        if (_steps.Wait(0, CancellationToken.None))
        {
            try
            {
                if (NeedsLook())
                {
                    _wake.Set();
                }
            }
            finally
            {
                _steps.Release();
            }
        }

        foreach (var destination in _destinations)
        {
            destination.Sweep();
        }

        // Compaction has read back more since captures were shipped last.
        if (_cleanedUpTo < _captured && _destinations.Min(destination => destination.Mended) > _cleanedUpTo)
        {
            CleanSpool();
        }
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
        using var shippingEnd = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _scope.Time);
        using var registration = cutShort.Register(shippingEnd.Cancel);
        using var ending = new CancellationTokenSource();
        _started = _scope.Time.GetTimestamp();
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
        catch (Exception e)
        {
            _firstLook.TrySetException(e);
            _ = _firstLook.Task.Exception; // Who asks for it finds it there; nobody has to.
            await ending.CancelAsync().ConfigureAwait(false);
            await shippingEnd.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await CloseAsync(inOrder: false).ConfigureAwait(false); // A guard would keep the WAL from ever starting over.
            NoteState(DatabaseState.Stopped);
            throw;
        }

        _firstLook.TrySetCanceled(CancellationToken.None);
        try
        {
            return await FinishAsync(loops, ending, shippingEnd, cutShort).ConfigureAwait(false);
        }
        finally
        {
            NoteState(DatabaseState.Stopped);
        }
    }

    /// <summary>Captures and ships everything once.</summary>
    /// <exception cref="TidemarkException">Something could not be captured or shipped.</exception>
    public async Task RunOnceAsync(OnceOptions once, CancellationToken cancellationToken)
    {
        var failures = new List<Exception>();
        await ShipOnceAsync(failures, cancellationToken).ConfigureAwait(false);
        if (_database.Position is null && !_destinations.Any(destination => destination.IsReconciled))
        {
            throw Combine(failures);
        }

        TakeHeads();
        await CaptureOnceAsync(cancellationToken).ConfigureAwait(false);
        failures.Clear();
        await ShipOnceAsync(failures, cancellationToken).ConfigureAwait(false);
        await ShipImagesOnceAsync(failures, cancellationToken).ConfigureAwait(false);
        await MaintainOnceAsync(once, failures, cancellationToken).ConfigureAwait(false);
        if (_destinations.Any(destination => destination.Requested is not null))
        {
            // What is damaged there can only be mended by an image of the database; then it goes on.
            failures.Clear();
            await ShipOnceAsync(failures, cancellationToken).ConfigureAwait(false);
            await ShipImagesOnceAsync(failures, cancellationToken).ConfigureAwait(false);
            await MaintainOnceAsync(once, failures, cancellationToken).ConfigureAwait(false);
        }

        await EndInOrderAsync().ConfigureAwait(false);
        if (failures.Count > 0)
        {
            throw Combine(failures);
        }

        Invariant.Holds(
            _destinations.All(destination => destination.HasAll),
            $"Every destination of {_options.DatabasePath} leads to TXID {_captured} after everything was shipped.");
        _spool.DeleteUpTo(_destinations.Min(destination => destination.Delivered));
        CleanImages();
        _scope.Logger.Stopped(_options.DatabasePath, _database.Position!.Txid);
    }

    public void Dispose()
    {
        // The sweep may be about to look at what is closed here. Whoever comes later finds it closed.
        _steps.Wait(CancellationToken.None);
        _database.Dispose();
        _steps.Release();
    }

    private static CaptureSettings SettingsOf(DatabaseOptions options) => new(
        options.CaptureBytesMax > 0 ? options.CaptureBytesMax : long.MaxValue, options.BusyTimeout, Environment.ProcessorCount);

    // One destination that fails holds back no other.
    private async Task ShipOnceAsync(List<Exception> failures, CancellationToken cancellationToken)
    {
        foreach (var destination in _destinations)
        {
            await AttemptAsync(() => destination.ShipAllAsync(CancellationToken.None, cancellationToken), failures).ConfigureAwait(false);
        }
    }

    // What is only in passing in the way, such as a writer with a long transaction, is waited for a little.
    private async Task CaptureOnceAsync(CancellationToken cancellationToken)
    {
        const int AttemptsMax = 10;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ReadBaseAsync(cancellationToken).ConfigureAwait(false);
                if (CaptureAll(cancellationToken).Outcome == CaptureOutcome.NoDatabase)
                {
                    throw new DatabaseException(
                        $"{_options.DatabasePath}: there is no database.", "Check the path, or start the application that creates it first.");
                }

                return;
            }
            catch (TidemarkException e) when (e.IsTransient && attempt < AttemptsMax)
            {
                _scope.Logger.CaptureFailed(
                    _options.DatabasePath, _options.ShutdownRetryInterval.TotalMilliseconds, Log.Reason(e));
            }

            await Task.Delay(_options.ShutdownRetryInterval, _scope.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ShipImagesOnceAsync(List<Exception> failures, CancellationToken cancellationToken)
    {
        if (_destinations.Any(destination => destination.WantedImage is not null))
        {
            WriteImages();
            failures.Clear();
            await ShipOnceAsync(failures, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task MaintainOnceAsync(OnceOptions once, List<Exception> failures, CancellationToken cancellationToken)
    {
        foreach (var destination in _destinations.Where(destination => destination.HasAll))
        {
            await AttemptAsync(() => destination.MaintainOnceAsync(once, cancellationToken), failures).ConfigureAwait(false);
        }
    }

    private static async Task AttemptAsync(Func<Task> work, List<Exception> failures)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            failures.Add(e);
        }
    }

    private static TidemarkException Combine(List<Exception> failures)
    {
        var different = failures.DistinctBy(failure => failure.Message).ToArray();
        return different is [TidemarkException only]
            ? only
            : new TidemarkException(string.Join(' ', different.Select(Log.Reason)), null, different[0]);
    }

    private async Task CaptureLoopAsync(Task[] loops, CancellationToken stopping)
    {
        long? lastCapture = null;
        while (!stopping.IsCancellationRequested)
        {
            if (loops.Length > 0 && loops.All(loop => loop.IsFaulted))
            {
                await loops[0].ConfigureAwait(false);
            }

            if (lastCapture is { } last && _options.SyncInterval - _scope.Time.GetElapsedTime(last) is var rest && rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, _scope.Time, stopping).ConfigureAwait(false);
            }

            var before = _captured;
            TimeSpan? failureDelay;
            using (await _scope.Captures.EnterAsync(stopping).ConfigureAwait(false))
            {
                failureDelay = await StepAsync(stopping).ConfigureAwait(false);
            }

            if (failureDelay is { } delay)
            {
                // After a failure, a change is no reason to try again sooner.
                await Task.Delay(delay, _scope.Time, stopping).ConfigureAwait(false);
                continue;
            }

            if (_captured != before)
            {
                lastCapture = _scope.Time.GetTimestamp();
            }

            await _wake.WaitAsync(_commitWait.Next(_walFacts) ?? RestOfImagePause(), _scope.Time, stopping).ConfigureAwait(false);
        }
    }

    /// <summary>Captures, checkpoints and writes images as far as they are due. Returns how long to wait after a failure.</summary>
    private async ValueTask<TimeSpan?> StepAsync(CancellationToken stopping)
    {
        var started = _scope.Time.GetTimestamp();
        try
        {
            await _steps.WaitAsync(stopping).ConfigureAwait(false);
            try
            {
                // The first TXID follows what the destinations hold, so all of them are asked first. One that does not answer holds back no
                // other: should it be found to hold the same TXIDs later on, it goes on from an image.
                var wereAsked = _destinations.All(destination => destination.WasAsked)
                    || _scope.Time.GetElapsedTime(_started) >= s_answerAwaited;
                var canBegin = _database.Position is not null
                    || (wereAsked && _destinations.Any(destination => destination.IsReconciled));
                TakeHeads();
                if (!canBegin)
                {
                    if (wereAsked)
                    {
                        _firstLook.TrySetResult(); // No destination answers; that is reported and tried again.
                    }

                    return null;
                }

                var armed = _database.Live;
                Arm();
                await ReadBaseAsync(stopping).ConfigureAwait(false);
                if (CaptureAll(stopping).Outcome != CaptureOutcome.NoDatabase)
                {
                    Checkpoint();
                    if (RestOfImagePause() is null)
                    {
                        TryWriteImages();
                    }
                }

                if (_database.Live != armed)
                {
                    _isArmed = false;
                    _wake.Set(); // The WAL that was opened here is watched from the next step on.
                }
            }
            finally
            {
                _steps.Release();
            }

            _backOff.Reset();
            NoteLook();
            _scope.Metrics.Looked(_options.DatabasePath, _scope.Time.GetElapsedTime(started));
            return null;
        }
        catch (TidemarkException e) when (_mustBegin && !_firstLook.Task.IsCompleted && !e.IsTransient)
        {
            // A wrong path or a missing right is for the person to mend who has just started this. Later on it is reported and tried again.
            throw;
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            var delay = _backOff.Next();
            NoteFailure(e);
            _scope.Logger.CaptureFailed(_options.DatabasePath, delay.TotalMilliseconds, Log.Reason(e));
            if (e is IOException)
            {
                MakeRoom();
            }

            return delay;
        }
    }

    /// <summary>Reads from a destination what the next capture is compared with, where that is not known. Whatever goes wrong, a capture of
    /// all pages is right too.</summary>
    private async ValueTask ReadBaseAsync(CancellationToken stopping)
    {
        if (CaptureStep.FindWantOfBase(_database) is not { } pageSize)
        {
            return;
        }

        using var stall = new CancellationTokenSource(s_baseStallMax, _scope.Time);
        using var deadline = new CancellationTokenSource(s_baseTimeMax, _scope.Time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, stall.Token, deadline.Token);
        var progress = new ImmediateProgress(() => stall.CancelAfter(s_baseStallMax));
        foreach (var destination in _destinations.Where(destination => destination.IsReconciled))
        {
            try
            {
                stall.CancelAfter(s_baseStallMax);
                if (await destination.ReadBaseAsync(_database, pageSize, progress, ending.Token).ConfigureAwait(false) is { } state)
                {
                    _scope.Logger.TookBase(_options.DatabasePath, destination.Store.Name, state.Txid, state.PageCount);
                    return;
                }
            }
            catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
            {
                _scope.Logger.BaseFailed(_options.DatabasePath, destination.Store.Name, "it took too long.");
                return;
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
            {
                _scope.Logger.BaseFailed(_options.DatabasePath, destination.Store.Name, Log.Reason(e));
            }
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
                BoundSpool();
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
        _scope.Metrics.Checkpointed(_options.DatabasePath, result.IsSealed, result.WriteLockHeld);
        _scope.Logger.Checkpointed(
            _options.DatabasePath, progress.FramesCopied, progress.FramesInWal, result.IsSealed, result.WriteLockHeld.TotalMilliseconds);
        NotePin(result.IsPinned, progress.FramesInWal);
    }

    // Only a reader that stays is looked for: that reads the list of all locks of the system.
    private void NotePin(bool isPinned, uint framesInWal)
    {
        var now = _scope.Time.GetUtcNow();
        WalPinStatus? pin = null;
        if (isPinned)
        {
            var since = _pin?.Since ?? now;
            var isLong = now - since >= s_pinReportedAfter;
            var holders = isLong && _database.Live is { } live ? WalReaders.Find(_scope.Files, live.ShmPath) : [];
            pin = new WalPinStatus(since, framesInWal, holders);
            var isReported = _lastPinReport is { } last && _scope.Time.GetElapsedTime(last) < s_pinReportedEvery;
            if (isLong && framesInWal >= _options.CheckpointPages && !isReported)
            {
                _lastPinReport = _scope.Time.GetTimestamp();
                _scope.Logger.Pinned(
                    _options.DatabasePath, since, framesInWal, holders.Count > 0 ? string.Join(", ", holders) : "not known");
            }
        }

        lock (_statusGate)
        {
            _pin = pin;
        }
    }

    // An image is for a destination that lacks something. What stands in its way must not hold back the captures that others wait for.
    private void TryWriteImages()
    {
        try
        {
            WriteImages();
            _imagePause = default;
            _imageBackOff.Reset();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _imagePause = (_scope.Time.GetTimestamp(), _imageBackOff.Next());
            Offer(); // What was captured for it is there.
            _scope.Logger.ImageFailed(_options.DatabasePath, _imagePause.Delay.TotalMilliseconds, Log.Reason(e));
        }
    }

    private TimeSpan? RestOfImagePause()
        => _imagePause.Delay - _scope.Time.GetElapsedTime(_imagePause.Since) is var rest && rest > TimeSpan.Zero ? rest : null;

    // A destination that cannot be continued, or whose files are damaged, goes on from a full image.
    private void WriteImages()
    {
        var wanting = _destinations
            .Select(destination => (Destination: destination, Image: destination.WantedImage))
            .Where(wanting => wanting.Image is not null)
            .ToLookup(wanting => wanting.Image!.From);
        foreach (var sameImage in wanting)
        {
            if (FullImageStep.Run(_database, sameImage.Key) is not { } image)
            {
                continue;
            }

            Offer();
            foreach (var (destination, wanted) in sameImage)
            {
                _scope.Logger.ImageWritten(_options.DatabasePath, image.ToString(), destination.Store.Name, wanted!.Level.Value);
                destination.OfferImage(wanted);
            }
        }
    }

    // The last capture comes first, while destinations go on: one that hangs must not keep the others from what is new.
    private async Task<bool> FinishAsync(
        Task[] loops, CancellationTokenSource ending, CancellationTokenSource shippingEnd, CancellationToken cutShort)
    {
        if (_database.Position is null)
        {
            // The end came before it was known what the destinations hold, which the first TXID has to follow.
            LimitTime(shippingEnd);
            await ending.CancelAsync().ConfigureAwait(false);
            await DrainAsync(loops, shippingEnd.Token).ConfigureAwait(false);
        }

        using var captureEnd = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _scope.Time);
        using var registration = cutShort.Register(captureEnd.Cancel);
        LimitTime(captureEnd);
        var isCaptured = await TryCaptureLastAsync(captureEnd.Token).ConfigureAwait(false);

        // The guard is given back before the network is waited for.
        await CloseAsync(isCaptured).ConfigureAwait(false);
        LimitTime(shippingEnd);
        await ending.CancelAsync().ConfigureAwait(false);
        return Report(isCaptured, await DrainAsync(loops, shippingEnd.Token).ConfigureAwait(false));
    }

    private void LimitTime(CancellationTokenSource end)
    {
        if (_options.ShutdownTimeout > TimeSpan.Zero && !end.IsCancellationRequested)
        {
            end.CancelAfter(_options.ShutdownTimeout);
        }
    }

    private bool Report(bool isCaptured, bool[] shipped)
    {
        var txid = _database.Position?.Txid ?? Txid.None;
        if (!isCaptured)
        {
            _scope.Logger.LastCaptureMissing(_options.DatabasePath, txid);
        }

        for (var i = 0; i < shipped.Length; i++)
        {
            if (!shipped[i])
            {
                _scope.Logger.NotShipped(
                    _options.DatabasePath, _destinations[i].Store.Name, _destinations[i].Shipped, txid, _spool.Path);
            }
        }

        var isComplete = isCaptured && shipped.All(done => done);
        if (isComplete && !txid.IsNone)
        {
            _scope.Logger.Stopped(_options.DatabasePath, txid);
        }

        return isComplete;
    }

    private async ValueTask CloseAsync(bool inOrder)
    {
        await _steps.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (inOrder)
            {
                await EndInOrderAsync().ConfigureAwait(false);
            }

            _database.Close();
        }
        finally
        {
            _steps.Release();
        }
    }

    private async ValueTask EndInOrderAsync()
    {
        var prepared = EndStep.Prepare(_database);
        if (prepared is not null)
        {
            await Task.Delay(EndStep.QuietTime, _scope.Time, CancellationToken.None).ConfigureAwait(false);
        }

        EndStep.Complete(_database, prepared);
    }

    // Each for itself: its loop ends, and then it ships what is left.
    private Task<bool[]> DrainAsync(Task[] loops, CancellationToken deadline)
        => Task.WhenAll(_destinations.Select(async (destination, number) =>
        {
            await loops[number].ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return await destination.DrainAsync(deadline).ConfigureAwait(false);
        }));

    // What is only in passing in the way, such as a writer with a long transaction, is waited for like a destination.
    private async Task<bool> TryCaptureLastAsync(CancellationToken deadline)
    {
        while (true)
        {
            try
            {
                using var place = await _scope.Captures.EnterAsync(deadline).ConfigureAwait(false);
                await _steps.WaitAsync(deadline).ConfigureAwait(false);
                try
                {
                    TakeHeads();
                    if (_database.Position is null && !_destinations.All(destination => destination.IsReconciled))
                    {
                        return false;
                    }

                    await ReadBaseAsync(deadline).ConfigureAwait(false);
                    var last = CaptureAll(deadline);
                    TryWriteImages();
                    return !last.HasMore;
                }
                finally
                {
                    _steps.Release();
                }
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
            {
                NoteFailure(e);
                var isRetried = e is TidemarkException { IsTransient: true } && _options.ShutdownTimeout > TimeSpan.Zero;
                _scope.Logger.CaptureFailed(
                    _options.DatabasePath, isRetried ? _options.ShutdownRetryInterval.TotalMilliseconds : 0, Log.Reason(e));
                if (!isRetried)
                {
                    return false;
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

    private void TakeHeads()
    {
        foreach (var destination in _destinations)
        {
            if (destination.TakeHead() is { } head)
            {
                _database.NoteReplica(head.Txid, head.PageSize);
            }
        }

        Offer();
    }

    private void Offer()
    {
        var captured = _database.Position?.Txid ?? Txid.None;
        lock (_statusGate)
        {
            _captured = captured;
        }

        foreach (var destination in _destinations)
        {
            destination.Offer(captured);
        }
    }

    private void OnDestinationChanged()
    {
        CleanSpool();
        _wake.Set();
    }

    private void CleanSpool()
    {
        var upTo = _destinations.Min(destination => destination.Mended);
        DeleteUpTo(upTo);
        _cleanedUpTo = upTo;
        CleanImages();
        BoundSpool();
    }

    // Captures that every destination has are only kept to mend what may turn out to be damaged.
    private void MakeRoom() => DeleteUpTo(_destinations.Min(destination => destination.Delivered));

    // A spool that cannot be cleaned costs space; what is wrong with it, the next capture tells.
    private void DeleteUpTo(Txid txid)
    {
        try
        {
            _spool.DeleteUpTo(txid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _scope.Logger.SpoolNotCleaned(_options.DatabasePath, Log.Reason(e));
        }
    }

    private void CleanImages()
        => _spool.DeleteImages(
            _destinations.Min(destination => destination.Delivered), image => _destinations.Any(destination => destination.Wants(image)));

    private void BoundSpool()
    {
        var databaseBytes = _database.Position is { } position ? position.PageCount * (long)position.PageSize.Bytes : 0;
        var budget = new SpoolBudget(_options.SpoolBytesMax, databaseBytes);
        if (_spool.DropOldest(budget, _destinations.Min(destination => destination.Delivered)) is [.., var last] dropped)
        {
            _scope.Logger.SpoolIsFull(_options.DatabasePath, budget.LimitBytes, dropped.Count, last.MaxTxid);
        }
    }

    // Armed first, then looked at: what is written in between is told of.
    private void Arm()
    {
        if (_database.Live is { } live)
        {
            _sweepsUntilRest = _isArmed ? _sweepsUntilRest : SweepsUntilRest;
            _isArmed = true; // The notice may come before the next line.
            if (!_scope.Watch.TryArmContent(live.WalPath, _changed))
            {
                _isArmed = false;
            }

            _walFacts = _scope.Files.TryGetFacts(live.WalPath);
        }
    }

    private void OnNotice()
    {
        _isArmed = false;
        _wake.Set();
    }

    // The index of the WAL in shared memory tells what no notice has told, and costs no system call. Whether another file took the place of
    // the database costs one. At rest both are rarely asked.
    private bool NeedsLook()
    {
        var isAtRest = _isArmed && _sweepsUntilRest == 0 && _database.GuardIsUninterrupted;
        _sweepsUntilRest = Math.Max(0, _sweepsUntilRest - 1);
        var sweep = _sweeps++;
        return (_options.CheckpointInterval > TimeSpan.Zero && _checkpoint.IsDue)
            || ((!isAtRest || sweep % SweepsPerLookAtRest == 0)
                && (_database.LookAtWal() != WalLook.Nothing || (sweep % SweepsPerMoveCheck == 0 && _database.Live!.HasMoved())));
    }

    private void NoteLook()
    {
        _firstLook.TrySetResult();
        if (_failure is not null)
        {
            _scope.Logger.CapturesAgain(_options.DatabasePath);
        }

        lock (_statusGate)
        {
            _state = _isWaitingForDatabase ? DatabaseState.Waiting : DatabaseState.Replicating;
            (_lastSuccess, _failure) = (_scope.Time.GetUtcNow(), null);
        }
    }

    private void NoteFailure(Exception e)
    {
        _scope.Metrics.CaptureFailed(_options.DatabasePath);
        lock (_statusGate)
        {
            _state = DatabaseState.Failing;
            _failure = new FailureStatus(_scope.Time.GetUtcNow(), Log.Reason(e));
        }
    }

    private void NoteState(DatabaseState state)
    {
        lock (_statusGate)
        {
            _state = state;
        }
    }

    private void Report(in CaptureResult result)
    {
        if (result.Outcome is CaptureOutcome.Frames or CaptureOutcome.Image or CaptureOutcome.Difference)
        {
            _scope.Metrics.Captured(_options.DatabasePath, result.PageCount);
        }

        switch (result.Outcome)
        {
            case CaptureOutcome.NoDatabase:
                if (!_isWaitingForDatabase && _captured.IsNone)
                {
                    _scope.Logger.WaitingForDatabase(_options.DatabasePath);
                }
                else if (!_isWaitingForDatabase)
                {
                    _scope.Logger.DatabaseIsGone(_options.DatabasePath);
                }

                break;
            case CaptureOutcome.Frames:
                _scope.Logger.Captured(_options.DatabasePath, result.Txid, result.PageCount);
                break;
            case CaptureOutcome.Image when result.Discontinuity is null:
                _scope.Logger.CapturedImage(_options.DatabasePath, result.Txid, result.PageCount);
                break;
            case CaptureOutcome.NoDifference or CaptureOutcome.AsLeft:
                _scope.Logger.Unchanged(_options.DatabasePath, result.Txid);
                break;
            case CaptureOutcome.Image or CaptureOutcome.Difference:
                // Without a WAL the application has closed the database meanwhile, as applications do.
                var level = result.Discontinuity == Discontinuity.WalIsGone ? LogLevel.Information : LogLevel.Warning;
                var reason = DiscontinuityText.Describe(result.Discontinuity);
                _scope.Logger.Healed(level, _options.DatabasePath, reason, result.PageCount, result.Txid);
                break;
        }

        _isWaitingForDatabase = result.Outcome == CaptureOutcome.NoDatabase;
    }

    /// <summary>Tells of every step where it happens; <see cref="Progress{T}"/> would tell later and in any order.</summary>
    private sealed class ImmediateProgress(Action whenReported) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => whenReported();
    }
}
