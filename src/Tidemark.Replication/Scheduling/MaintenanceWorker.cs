using System.Runtime.ExceptionServices;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Retention;
using Tidemark.Replication.Health;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>Compacts the files of one destination, composes its snapshots and deletes what no restore needs, when it is time for it.</summary>
/// <remarks>
/// <para>Decides only when a step runs. Nothing runs, no timer stands and no request is made for a destination whose files are as they were
/// when there was nothing to do. Shipping goes on beside it.</para>
/// <para>What is found damaged is mended (<see cref="DamagedFiles"/>); other levels are not held up meanwhile.</para>
/// <para>A second writer that is found here ends this for good; the loop of the destination is woken to find it too.</para>
/// </remarks>
internal sealed class MaintenanceWorker
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromMinutes(10);

    private readonly UploadStep _upload;
    private readonly DatabaseOptions _options;
    private readonly ReplicationScope _scope;
    private readonly CompactionStep _compaction;
    private readonly SnapshotCompositionStep _snapshots;
    private readonly RetentionStep _retention;
    private readonly RetentionOptions _retentionOptions;
    private readonly MaintenanceSchedule _schedule;
    private readonly DamagedFiles _damaged;
    private readonly WitnessedTime _witnessed;
    private readonly long _started;
    private readonly BackOff _backOff;
    private readonly FailureReports _reports;
    private readonly Lock _gate = new();

    private Task _run = Task.CompletedTask;
    private bool _askedOnce;
    private TimeSpan _reportedLeap;
    private volatile bool _hasConflict;
    private (long Since, TimeSpan Delay) _pause;
    private FailureStatus? _failure;
    private ulong _proven;

    /// <summary>Works for one destination.</summary>
    /// <param name="upload">Ships to it, and knows what it holds.</param>
    /// <param name="files">Where temporary files lie.</param>
    /// <param name="temporaryFolder">For temporary files of this destination.</param>
    /// <param name="lineage">Who writes there.</param>
    /// <param name="options">The intervals.</param>
    /// <param name="scope">What the run shares.</param>
    public MaintenanceWorker(
        UploadStep upload, IFileSystem files, string temporaryFolder, Lineage lineage, DatabaseOptions options, ReplicationScope scope)
    {
        (_upload, _options, _scope) = (upload, options, scope);
        _backOff = new BackOff(s_delayMin, s_delayMax, scope.Random);
        _reports = new FailureReports(scope.Time);

        // Files are read from the destination even where the spool still has them: that is how it is known that they arrived whole.
        _compaction = new CompactionStep(upload.Store, lineage, files, temporaryFolder, confirm: ConfirmNowAsync);
        _snapshots = new SnapshotCompositionStep(upload.Store, lineage, files, temporaryFolder, confirm: ConfirmNowAsync);
        _retention = new RetentionStep(upload.Store);
        _retentionOptions = new RetentionOptions { SnapshotRetention = options.SnapshotRetention, L0Retention = options.L0Retention };
        _schedule = new MaintenanceSchedule(options, upload);
        (_witnessed, _started) = (new WitnessedTime(scope.Time.GetUtcNow()), scope.Time.GetTimestamp());
        _damaged = new DamagedFiles(upload, _compaction, _snapshots, options, scope, () => Changed());
    }

    /// <summary>Called after an image of the database was asked for, and when the destination has to be looked at.</summary>
    public Action Changed { get; init; } = static () => { };

    /// <summary>The newest failure, or null when there was none since the last success.</summary>
    public FailureStatus? Failure
    {
        get
        {
            lock (_gate)
            {
                return _failure;
            }
        }
    }

    /// <summary>The newest TXID at which files were read back and added up to what was captured.</summary>
    public Txid Proven => new(Volatile.Read(ref _proven));

    /// <summary>Up to where captures were read back and found whole; all of them where nothing is compacted.</summary>
    public Txid ReadBack => _options.CompactionIntervals.Count == 0
        ? new Txid(ulong.MaxValue)
        : Catalog?.NewestAt(new Level(1))?.MaxTxid ?? Txid.None;

    // What is in doubt is not worked with: the destination is listed anew before.
    private ReplicaCatalog? Catalog => _upload.IsInDoubt ? null : _upload.Catalog;

    /// <summary>Begins a run if one is due and none is underway. By one thread. Never throws.</summary>
    public void Sweep(CancellationToken stopping)
    {
        if (!_run.IsCompleted || _hasConflict)
        {
            return;
        }

        try
        {
            if (IsDue())
            {
                _run = Task.Run(() => RunAsync(stopping), CancellationToken.None); // Off the sweep.
            }
        }
        catch (Exception e)
        {
            Fail(e); // Others are swept too.
        }
    }

    /// <summary>Does everything that is due, if anything is. A failure is noted and reported, and nothing is due for a while.</summary>
    public Task RunIfDueAsync(CancellationToken stopping) => IsDue() ? RunAsync(stopping) : Task.CompletedTask;

    /// <summary>Ends when no run is underway any more. After the token of the sweeps was cancelled.</summary>
    public Task EndAsync() => _run;

    /// <summary>Does at once what <c>-once</c> is asked for, and throws what goes wrong.</summary>
    /// <returns>Whether an image of the database was asked for (<see cref="UploadStep.Requested"/>): after it was shipped, this is to be
    /// called again.</returns>
    public async Task<bool> RunOnceAsync(OnceOptions once, CancellationToken cancellationToken)
    {
        try
        {
            await CatchUpAsync(_upload.Catalog!, once, cancellationToken).ConfigureAwait(false);
        }
        catch (TidemarkException e) when (e is not ReplicaConflictException && _upload.Requested is not null && !_askedOnce)
        {
            _askedOnce = true; // What goes wrong in spite of the image is thrown.
        }

        return _upload.Requested is not null;
    }

    private async Task CatchUpAsync(ReplicaCatalog catalog, OnceOptions once, CancellationToken cancellationToken)
    {
        _damaged.BeginRun(catalog);
        if (once.ForcesSnapshot)
        {
            await ComposeSnapshotAsync(catalog, cancellationToken).ConfigureAwait(false);
        }

        if (!once.EnforcesRetention || !_options.IsRetentionEnabled)
        {
            return;
        }

        // What is not compacted cannot be deleted.
        foreach (var level in _schedule.Levels)
        {
            await CompactAsync(catalog, level, cancellationToken).ConfigureAwait(false);
        }

        await _damaged.DeleteBridgedAsync(catalog, cancellationToken).ConfigureAwait(false);
        await DeleteAsync(catalog, cancellationToken).ConfigureAwait(false);
    }

    private bool IsDue()
        => Catalog is { } catalog
            && _scope.Time.GetElapsedTime(_pause.Since) >= _pause.Delay
            && (_schedule.IsAnythingDue(catalog, _scope.Time.GetUtcNow()) || _damaged.HasBridged(catalog));

    private async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            using var place = await _scope.Maintenance.EnterAsync(stopping).ConfigureAwait(false);
            await RunDueAsync(stopping).ConfigureAwait(false);
            _backOff.Reset();
            _reports.Reset();
            NoteFailure(_damaged.Unmended);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What was not done is done after the next start.
        }
        catch (Exception e)
        {
            // Whatever it is, also a cancellation by somebody else: nobody else waits for this, and it must not end in silence.
            Fail(e);
        }
    }

    private void Fail(Exception failure)
    {
        _pause = (_scope.Time.GetTimestamp(), _backOff.Next());
        NoteFailure(failure);
        _scope.Metrics.MaintenanceFailed(_options.DatabasePath, _upload.Store.Name);
        Report(failure);
        if (failure is ReplicaConflictException)
        {
            _hasConflict = true;
            _upload.Distrust(); // So that shipping looks at the claim too, though there may be nothing to ship.
            Changed();
        }
    }

    private void Report(Exception failure)
    {
        var reason = Log.Reason(failure);
        if (!_reports.IsDue(reason))
        {
            return;
        }

        if (Log.IsDefect(failure))
        {
            _scope.Logger.Defect($"maintenance at {_upload.Store.Name}", _options.DatabasePath, failure.ToString());
        }
        else
        {
            _scope.Logger.MaintenanceFailed(_options.DatabasePath, _upload.Store.Name, _pause.Delay.TotalMilliseconds, reason);
        }
    }

    // What fails on one level holds back no other, nor snapshots and retention; the first failure is thrown at the end.
    private async Task RunDueAsync(CancellationToken stopping)
    {
        if (Catalog is not { } catalog)
        {
            return;
        }

        _damaged.BeginRun(catalog);
        var now = _scope.Time.GetUtcNow();
        var version = catalog.Version;
        var failures = new List<Exception>();
        foreach (var level in _schedule.Levels)
        {
            if (_schedule.IsLevelDue(level, now)
                && await TryAsync(() => CompactAsync(catalog, level, stopping), failures).ConfigureAwait(false))
            {
                _schedule.NoteCompaction(level, now);
            }
        }

        if (_schedule.IsSnapshotDue(catalog, now)
            && await TryAsync(() => ComposeSnapshotAsync(catalog, stopping), failures).ConfigureAwait(false))
        {
            _schedule.NoteSnapshot(now);
        }

        if (Catalog == catalog)
        {
            await TryAsync(() => _damaged.DeleteBridgedAsync(catalog, stopping), failures).ConfigureAwait(false);
            if (_schedule.IsRetentionDue(catalog, now)
                && await TryAsync(() => DeleteAsync(catalog, stopping), failures).ConfigureAwait(false))
            {
                _schedule.NoteRetention(now);
            }
        }

        if (Catalog != catalog)
        {
            // The destination was listed anew meanwhile, perhaps before a file was written or deleted here; or a file turned out to be missing,
            // and what was thought to take its place may be missing too.
            _upload.Distrust();
            Changed();
        }

        if (failures.Count > 0)
        {
            ExceptionDispatchInfo.Throw(failures[0]);
        }

        if (catalog.Version == version && !HasLevelWork(catalog))
        {
            _schedule.NoteNothingToCompact(catalog, version);
        }
    }

    private static async Task<bool> TryAsync(Func<Task> work, List<Exception> failures)
    {
        try
        {
            await work().ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is not (ReplicaConflictException or OperationCanceledException))
        {
            failures.Add(e);
            return false;
        }
    }

    private bool HasLevelWork(ReplicaCatalog catalog)
    {
        var files = catalog.Files;
        return _schedule.Levels.Any(level => CompactionDecision.From(files, level) is not CompactionDecision.Idle);
    }

    private async Task CompactAsync(ReplicaCatalog catalog, Level level, CancellationToken cancellationToken)
    {
        while (CompactionDecision.From(catalog.Files, level) is var decision and not CompactionDecision.Idle)
        {
            await _upload.Claim.ConfirmAsync(cancellationToken).ConfigureAwait(false);
            var result = await _compaction.RunAsync(catalog, level, takesSingle: false, cancellationToken).ConfigureAwait(false);
            if (result.File is { } file)
            {
                _damaged.NoteWritten(file, result);
            }
            else if (result.Failure is not null)
            {
                IReadOnlyList<LtxFileInfo> inputs = decision is CompactionDecision.Merge merge ? merge.Inputs : [];
                await _damaged.MendAsync(catalog, result, inputs, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task ComposeSnapshotAsync(ReplicaCatalog catalog, CancellationToken cancellationToken)
    {
        while (true)
        {
            await _upload.Claim.ConfirmAsync(cancellationToken).ConfigureAwait(false);
            var result = await _snapshots.RunAsync(catalog, cancellationToken).ConfigureAwait(false);
            if (result.Failure is not null)
            {
                await _damaged.MendAsync(catalog, result, [], cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (result.File is { } file)
            {
                _damaged.NoteWritten(file, result);
                if (result.IsProven)
                {
                    Volatile.Write(ref _proven, file.MaxTxid.Value);
                }
            }

            return;
        }
    }

    private async Task DeleteAsync(ReplicaCatalog catalog, CancellationToken cancellationToken)
    {
        RetentionPlan plan;
        do
        {
            plan = PlanDeletions(catalog);
        }
        while (plan is { Deletions.Count: > 0, Floor: { } floor }
            && !await _damaged.ReadBackAsync(catalog, floor, cancellationToken).ConfigureAwait(false));

        if (plan.Deletions.Count > 0)
        {
            await _upload.Claim.ConfirmAsync(cancellationToken).ConfigureAwait(false);
            var result = await _retention.RunAsync(plan, catalog, cancellationToken).ConfigureAwait(false);
            _scope.Metrics.Deleted(_options.DatabasePath, _upload.Store.Name, result.Files);
            _scope.Logger.Deleted(
                _scope.MaintenanceLevel,
                _options.DatabasePath,
                _upload.Store.Name,
                result.Files,
                result.SizeBytes,
                plan.Floor ?? Txid.First);
        }

        _schedule.NoteNothingToDelete(catalog, plan.RecheckAt);
    }

    private RetentionPlan PlanDeletions(ReplicaCatalog catalog)
    {
        var now = _scope.Time.GetUtcNow(); // What was just written is not old because the clock was set back since the run began.
        var files = catalog.Files;
        _witnessed.See(files, now, _scope.Time.GetElapsedTime(_started));
        var plan = RetentionPlan.From(_witnessed.Age(files), now, _retentionOptions);
        if (_witnessed.NotBelieved is var leap && leap > _reportedLeap
            && RetentionPlan.From(files, now, _retentionOptions).Deletions.Count > plan.Deletions.Count)
        {
            _scope.Logger.ClockNotBelieved(_options.DatabasePath, _upload.Store.Name, leap);
        }

        _reportedLeap = leap;
        return plan;
    }

    private async ValueTask ConfirmNowAsync(CancellationToken cancellationToken)
        => await _upload.Claim.ConfirmNowAsync(cancellationToken).ConfigureAwait(false);

    private void NoteFailure(Exception? failure)
    {
        lock (_gate)
        {
            _failure = failure is null ? null : new FailureStatus(_scope.Time.GetUtcNow(), Log.Reason(failure));
        }
    }
}
