using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Health;

namespace Tidemark.Replication.Scheduling;

/// <summary>Keeps one database captured and all its destinations up to date.</summary>
/// <remarks>
/// <para>Decides only when a step runs. The first change of a quiet database is captured at once (leading edge); further ones are gathered
/// for the sync interval (trailing edge). Notices of the file system wake it, and behind them the sweep of the run, which looks at the
/// WAL's index in memory. A notice comes before the commit that it tells of, so a WAL that was just written to is looked at a few times
/// more (<see cref="CommitWait"/>).</para>
/// <para>Nothing waits on a timer while the database rests. One that no other process has open is closed after a while, and opened again
/// when its files change (<see cref="Departure"/>).</para>
/// </remarks>
internal sealed class DatabaseWorker : IDisposable
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromSeconds(30);

    // One that has not answered by then is looked at as one that does not answer.
    private static readonly TimeSpan s_answerAwaited = TimeSpan.FromSeconds(10);

    // Most commits take a few milliseconds; a disk that is busy takes its time.
    private static readonly TimeSpan s_commitDelayMin = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_commitDelayMax = TimeSpan.FromMilliseconds(640);

    // How soon it is seen while changes are gathered what others do, and how soon a checkpoint of theirs has come to its end.
    private static readonly TimeSpan s_gatheringPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_checkpointPoll = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan s_settlingPoll = TimeSpan.FromMilliseconds(250);

    private readonly DatabaseOptions _options;
    private readonly bool _mustBegin;
    private readonly ReplicationScope _scope;
    private readonly ReplicatedDatabase _database;
    private readonly CheckpointStep _checkpoint;
    private readonly WakeSignal _wake = new();
    private readonly Action _onNotice;
    private readonly Action _onFileNotice;
    private readonly Action<TimeSpan> _takesLong;
    private readonly BackOff _backOff;
    private readonly CommitWait _commitWait = new(s_commitDelayMin, s_commitDelayMax);
    private readonly SweepPace _pace;
    private readonly Departure _departure;
    private readonly TaskCompletionSource _firstLook = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private (OrderlyEnd End, long Since)? _leaving;
    private bool _hasLeft;

    // Whether there was a notice of the database file since the last look at it.
    private volatile bool _isFileTouched;
    private FileFacts? _walFacts;
    private long _started;
    private long _lastSweep;

    /// <summary>Reads the spool; nothing is opened or started before a run.</summary>
    /// <exception cref="IOException">The spool cannot be created or read.</exception>
    /// <param name="options">The database.</param>
    /// <param name="mustBegin">Whether it is for somebody to mend, and not for time, if the database cannot be replicated at the
    /// beginning.</param>
    /// <param name="scope">What the run shares.</param>
    public DatabaseWorker(DatabaseOptions options, bool mustBegin, ReplicationScope scope)
    {
        (_options, _mustBegin, _scope) = (options, mustBegin, scope);
        MonitorInterval = options.MonitorInterval;
        _backOff = new BackOff(s_delayMin, s_delayMax, scope.Random);
        _pace = new SweepPace(scope.Random);
        _departure = new Departure(scope.Time);
        _onNotice = OnNotice;
        _onFileNotice = OnFileNotice;
        _takesLong = elapsed => scope.Logger.TakesLong(options.DatabasePath, "a capture", elapsed.TotalSeconds);
        _database = new ReplicatedDatabase(options, scope, _wake.Set);
        _checkpoint = new CheckpointStep(
            _database.Source,
            new CheckpointPolicy((uint)options.CheckpointPages, options.CheckpointInterval),
            result => _database.Health.NoteCapture(result));
    }

    /// <summary>Path of the database.</summary>
    public string DatabasePath => _options.DatabasePath;

    /// <summary>How often the sweep looks at the database.</summary>
    public TimeSpan MonitorInterval { get; }

    /// <summary>The names of the destinations.</summary>
    public IEnumerable<string> Destinations => _options.Destinations.Select(store => store.Name);

    /// <summary>Ends when the database was looked at for the first time, or is waited for; fails when it cannot be replicated at all.</summary>
    public Task FirstLook => _firstLook.Task;

    /// <summary>How the database stands. From any thread.</summary>
    public DatabaseStatus GetStatus() => _database.GetStatus();

    /// <summary>Looks whether the database or a destination has work that no notice has told of, and wakes it. Called now and then, by one
    /// thread; costs next to nothing while there is none.</summary>
    public void Sweep()
    {
        if (_scope.Time.GetElapsedTime(_lastSweep) < MonitorInterval)
        {
            return;
        }

        _lastSweep = _scope.Time.GetTimestamp();
        if (_pace.TryPass())
        {
            return;
        }

        if (_database.Steps.Wait(0, CancellationToken.None))
        {
            try
            {
                if (NeedsLook())
                {
                    _wake.Set();
                }
                else
                {
                    _pace.NoteNothing();
                }
            }
            finally
            {
                _database.Steps.Release();
            }
        }

        foreach (var destination in _database.Destinations)
        {
            destination.Sweep();
        }

        _database.Upkeep.CleanAfterReadBack(_database.Health.Captured);
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
        _started = _scope.Time.GetTimestamp();

        // A destination that has ended for good wakes the loop below.
        using var loops = new ShippingLoops(_database.Destinations, _wake.Set, _scope.Time, cutShort);
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
            await loops.AbortAsync().ConfigureAwait(false);
            _database.Health.NoteFailure(e);
            await _database.CloseAsync(inOrder: false).ConfigureAwait(false); // A guard would keep the WAL from ever starting over.
            _database.Health.NoteStop();
            throw;
        }

        _firstLook.TrySetCanceled(CancellationToken.None);
        try
        {
            return await new Shutdown(_database, loops).RunAsync(cutShort).ConfigureAwait(false);
        }
        finally
        {
            _database.Health.NoteStop();
        }
    }

    /// <summary>Audits the database now. From any thread.</summary>
    public Task<AuditStatus> AuditAsync()
    {
        var audit = _database.Audits.RequestAsync();
        _wake.Set();
        return audit;
    }

    /// <summary>Captures and ships everything once.</summary>
    /// <exception cref="TidemarkException">Something could not be captured or shipped.</exception>
    public Task RunOnceAsync(OnceOptions once, CancellationToken cancellationToken)
        => new OnceRun(_database, once).RunAsync(cancellationToken);

    public void Dispose() => _database.Dispose();

    private async Task CaptureLoopAsync(ShippingLoops loops, CancellationToken stopping)
    {
        long? lastCapture = null;
        while (!stopping.IsCancellationRequested)
        {
            await loops.ThrowIfAllFailedAsync().ConfigureAwait(false);
            if (lastCapture is { } last && _options.SyncInterval - _scope.Time.GetElapsedTime(last) is var rest && rest > TimeSpan.Zero)
            {
                await GatherAsync(rest, stopping).ConfigureAwait(false);
            }

            var before = _database.Health.Captured;
            TimeSpan? failureDelay;
            using (await _scope.Captures.EnterAsync(stopping, _takesLong).ConfigureAwait(false))
            {
                failureDelay = await StepAsync(stopping).ConfigureAwait(false);
            }

            if (failureDelay is { } delay)
            {
                // After a failure, a change is no reason to try again sooner, unless it is one that people make.
                await WaitAsync(delay, static _ => false, stopping).ConfigureAwait(false);
                continue;
            }

            if (_database.Health.Captured != before)
            {
                lastCapture = _scope.Time.GetTimestamp();
            }

            var timeout = UntilNextLook() ?? _commitWait.Next(_walFacts) ?? _database.Images.RestOfPause;
            timeout = _database.Audits.RestOfPause is { } pause && !(timeout < pause) ? pause : timeout;
            await _wake.WaitAsync(timeout, _scope.Time, stopping).ConfigureAwait(false);
        }
    }

    // Changes are gathered, as long as the application goes on: unless a checkpoint of it waits for the guard to move on, and writers for
    // that; and unless it has left, or something is done to the files, since what people do beside a stopped application must meet a
    // closed database.
    private ValueTask GatherAsync(TimeSpan rest, CancellationToken stopping)
    {
        var leavesAtOnce = _departure.IsAtOnce;
        return WaitAsync(rest, live => live.IsCheckpointOfOthersWaiting || (leavesAtOnce && live.IsUsedByOthers == false), stopping);
    }

    private async ValueTask WaitAsync(TimeSpan time, Func<LiveDatabase, bool> isOver, CancellationToken stopping)
    {
        // Where others cannot be seen, there is nothing to look for.
        if (!_options.HasProcessToItself || _database.Source.Live is not { IsUsedByOthers: not null } live)
        {
            await Task.Delay(time, _scope.Time, stopping).ConfigureAwait(false);
            return;
        }

        var begun = _scope.Time.GetTimestamp();
        while (time - _scope.Time.GetElapsedTime(begun) is var left
            && left > TimeSpan.Zero
            && !isOver(live)
            && !(_isFileTouched && live.FindForeignChange() is not null))
        {
            await Task.Delay(left < s_gatheringPoll ? left : s_gatheringPoll, _scope.Time, stopping).ConfigureAwait(false);
        }
    }

    private TimeSpan? UntilNextLook() => _database.Source switch
    {
        _ when _leaving is not null => EndStep.QuietTime,
        { Live: { IsGuardAtMark0: false, IsCheckpointOfOthersAtWork: true } } => s_checkpointPoll,
        { IsSettling: true } => s_settlingPoll,
        _ => null,
    };

    /// <summary>Captures, checkpoints and writes images as far as they are due. Returns how long to wait after a failure.</summary>
    private async ValueTask<TimeSpan?> StepAsync(CancellationToken stopping)
    {
        var started = _scope.Time.GetTimestamp();
        try
        {
            await _database.Steps.WaitAsync(stopping).ConfigureAwait(false);
            try
            {
                if (!CanBegin())
                {
                    return null;
                }

                await LookAsync(stopping).ConfigureAwait(false);
            }
            catch (Exception e) when (e is TidemarkException or IOException && _database.Source.LookForForeignChange())
            {
                _wake.Set(); // That was the reason, and is reported.
            }
            finally
            {
                _database.Steps.Release();
            }

            _backOff.Reset();
            _firstLook.TrySetResult();
            _database.Health.NoteLook();
            _scope.Metrics.Looked(_options.DatabasePath, _scope.Time.GetElapsedTime(started));
            return null;
        }
        catch (TidemarkException e) when (_mustBegin && !_firstLook.Task.IsCompleted && !e.IsTransient)
        {
            // A wrong path or a missing right is for the person to mend who has just started this. Later on it is reported and tried again.
            throw;
        }
        catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            return await FailAsync(e).ConfigureAwait(false);
        }
    }

    // Whatever it is, it has ended this step and not the database. What is unforeseen leaves the connections in doubt: without them, the
    // next step has to prove what it goes on from.
    private async ValueTask<TimeSpan> FailAsync(Exception failure)
    {
        var delay = _backOff.Next();
        _database.Health.NoteFailure(failure);
        _database.Health.ReportFailure(delay, failure);
        try
        {
            if (failure is IOException)
            {
                _database.Upkeep.MakeRoom();
            }
            else if (Log.IsDefect(failure))
            {
                await _database.CloseAsync(inOrder: false).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            _database.Health.ReportFailure(delay, e);
        }

        return delay;
    }

    // The first TXID follows what the destinations hold, so all of them are asked first. One that does not answer holds back no other:
    // should it be found to hold the same TXIDs later on, it goes on from an image.
    private bool CanBegin()
    {
        var wereAsked = _database.Destinations.All(destination => destination.WasAsked)
            || _scope.Time.GetElapsedTime(_started) >= s_answerAwaited;
        var canBegin = _database.Source.Position is not null
            || (wereAsked && _database.Destinations.Any(destination => destination.IsReconciled));
        _database.TakeHeads();
        if (!canBegin && wereAsked)
        {
            _firstLook.TrySetResult(); // No destination answers; that is reported and tried again.
        }

        return canBegin;
    }

    private async ValueTask LookAsync(CancellationToken stopping)
    {
        var source = _database.Source;
        _isFileTouched = false;
        _ = source.LookForForeignChange();
        if (StaysClosed())
        {
            return;
        }

        if (source.IsAtRest)
        {
            _ = source.TryOpen(); // For an image or an audit; then captures go on.
        }

        var armed = source.Live;
        Arm();
        var result = await _database.CaptureAsync(stopping).ConfigureAwait(false);
        if (result.Outcome != CaptureOutcome.NoDatabase)
        {
            if (_hasLeft)
            {
                NoteReturn(result);
            }

            Checkpoint();
            if (_database.Images.RestOfPause is null)
            {
                _database.Images.TryWrite();
            }

            _database.Audits.TryRun();
            Leave();
        }

        if (source.Live != armed)
        {
            _pace.Disarm();
            _wake.Set(); // The WAL that was opened here is watched from the next step on; or the name of one, where it was closed.
        }
    }

    private bool StaysClosed()
    {
        var source = _database.Source;
        if (source.Live is not null || _database.Images.IsWanted || _database.Audits.IsUnderway || _database.Audits.IsWanted())
        {
            return false;
        }

        if (source.IsAtRest)
        {
            // Armed first, then looked at.
            var isTold = _scope.Watch.TryArmName(source.WalPath, _onNotice) && _scope.Watch.TryArmContent(source.Path, _onNotice);
            if (isTold)
            {
                _pace.ArmClosed();
            }
            else
            {
                _pace.Disarm();
            }

            if (source.IsAtRest)
            {
                _hasLeft = true;
                return true;
            }
        }

        _pace.Disarm();
        if (_hasLeft)
        {
            source.WaitIfWrittenWithoutWal();
        }

        return source.IsSettling;
    }

    // What a return costs decides how soon the database is left again.
    private void NoteReturn(in CaptureResult result)
    {
        _hasLeft = false;
        if (result.Discontinuity is not null && result.Outcome != CaptureOutcome.AsLeft)
        {
            _departure.NoteCost();
        }
    }

    private void Checkpoint()
    {
        var result = _checkpoint.Run();
        Note(result);
    }

    private void Note(in CheckpointResult result)
    {
        if (result.Action != CheckpointAction.None)
        {
            _database.Offer(); // A seal captures the last frames.
            _database.Health.NoteCheckpoint(result, _database.Source.Live?.ShmPath);
        }
    }

    // In two moves with a short time between them, as at the end of a run.
    private void Leave()
    {
        var source = _database.Source;
        var leaving = _leaving;
        _leaving = null;
        if (!_options.HasProcessToItself || source.Live is not { } live || !source.GuardIsUninterrupted)
        {
            return;
        }

        _departure.Note(live.IsUsedByOthers);
        if (_departure.IsAlone && _checkpoint.HasRest)
        {
            Note(_checkpoint.Run(CheckpointAction.Drain)); // As the last one to close would have done.
        }

        if (!_departure.IsDue || _database.Images.IsWanted || _database.Audits.IsUnderway || source.LookAtWal() != WalLook.Nothing)
        {
            return;
        }

        if (leaving is not var (end, since) || end.Txid != source.Position!.Txid)
        {
            _leaving = EndStep.Prepare(source) is { } prepared ? (prepared, _scope.Time.GetTimestamp()) : null;
            source.Rest();
            if (_leaving is null)
            {
                _departure.NoteCost();
            }
        }
        else if (_scope.Time.GetElapsedTime(since) < EndStep.QuietTime)
        {
            _leaving = leaving;
        }
        else
        {
            _ = EndStep.Complete(source, end);
            if (source.IsAtRest)
            {
                _scope.Logger.ClosedAtRest(_options.DatabasePath);
                _hasLeft = true;
            }
            else
            {
                _departure.NoteCost();
            }
        }
    }

    // Armed first, then looked at: what is written in between is told of.
    private void Arm()
    {
        if (_database.Source.Live is { } live)
        {
            _pace.Arm(); // The notice may come before the next line.
            if (!_scope.Watch.TryArmContent(live.WalPath, _onNotice))
            {
                _pace.Disarm();
            }

            // Of checkpoints of others, which may wait for the guard, and of those who write the file without SQLite.
            _ = _scope.Watch.TryArmContent(_options.DatabasePath, _onFileNotice);
            _walFacts = _scope.Files.TryGetFacts(live.WalPath);
        }
    }

    private void OnFileNotice()
    {
        _isFileTouched = true;
        OnNotice();
    }

    private void OnNotice()
    {
        _pace.Disarm();
        _wake.Set();
    }

    // The index of the WAL in shared memory tells what no notice has told, and costs no system call. Whether the files were changed by
    // something other than SQLite costs a few.
    private bool NeedsLook()
    {
        var source = _database.Source;
        if (source.Live is not { } live)
        {
            return !source.IsAtRest || _database.Audits.IsWanted();
        }

        return source.LookAtWal() != WalLook.Nothing
            || live.IsCheckpointOfOthersWaiting
            || _database.Audits.IsWanted()
            || (_pace.ChecksForMove() && live.FindForeignChange() is not null)
            || (_options.CheckpointInterval > TimeSpan.Zero && _checkpoint.IsDue)
            || WantsToLeave(live);
    }

    private bool WantsToLeave(LiveDatabase live)
    {
        if (!_options.HasProcessToItself)
        {
            return false;
        }

        _departure.Note(live.IsUsedByOthers);
        return _departure.IsDue || (_departure.IsAlone && _checkpoint.HasRest);
    }
}
