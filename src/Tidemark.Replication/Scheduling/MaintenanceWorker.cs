using System.Runtime.ExceptionServices;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
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
/// <para>A file that turns out to be damaged, also when it is read again, is as good as missing: it takes the place of nothing. It is shipped
/// again while the spool still holds it, or made again of the files that it was made of. If neither can be done, the database's own loop is
/// asked for a snapshot of the database as it is, from which compaction and restores go on, and the damaged file is deleted when that lies
/// there: restores would choose it. Other levels are not held up meanwhile.</para>
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
    private readonly BackOff _backOff;
    private readonly DateTimeOffset?[] _lastRuns;
    private readonly HashSet<LtxFileKey> _writtenAgain = [];
    private readonly HashSet<LtxFileKey> _damaged = [];
    private readonly HashSet<LtxFileKey> _readAgain = [];
    private readonly Lock _gate = new();

    private Task _run = Task.CompletedTask;
    private DateTimeOffset? _lastSnapshot;
    private DateTimeOffset? _lastRetention;
    private DateTimeOffset _retentionRecheckAt;
    private (ReplicaCatalog Catalog, long Version)? _retained;
    private (ReplicaCatalog Catalog, long Version)? _compacted;
    private (ReplicaCatalog Catalog, long Version, Txid Shipped, DateTimeOffset Since, DateTimeOffset Until)? _nothingDue;
    private bool _askedOnce;
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

        // Files are read from the destination even where the spool still has them: that is how it is known that they arrived whole.
        _compaction = new CompactionStep(upload.Store, lineage, files, temporaryFolder, confirm: ConfirmNowAsync);
        _snapshots = new SnapshotCompositionStep(upload.Store, lineage, files, temporaryFolder, confirm: ConfirmNowAsync);
        _retention = new RetentionStep(upload.Store);
        _retentionOptions = new RetentionOptions { SnapshotRetention = options.SnapshotRetention, L0Retention = options.L0Retention };
        _lastRuns = new DateTimeOffset?[options.CompactionIntervals.Count];
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
    public Txid ReadBack => _lastRuns.Length == 0
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
        Begin(catalog);
        if (once.ForcesSnapshot)
        {
            await ComposeSnapshotAsync(catalog, cancellationToken).ConfigureAwait(false);
        }

        if (!once.EnforcesRetention || !_options.IsRetentionEnabled)
        {
            return;
        }

        // What is not compacted cannot be deleted.
        for (var i = 0; i < _lastRuns.Length; i++)
        {
            await CompactAsync(catalog, new Level(i + 1), cancellationToken).ConfigureAwait(false);
        }

        await DeleteDamagedAsync(catalog, cancellationToken).ConfigureAwait(false);
        await DeleteAsync(catalog, _scope.Time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
    }

    private bool IsDue()
    {
        if (Catalog is not { } catalog || _scope.Time.GetElapsedTime(_pause.Since) < _pause.Delay)
        {
            return false;
        }

        var now = _scope.Time.GetUtcNow();
        var (version, shipped) = (catalog.Version, _upload.Shipped);
        if (_nothingDue is { } known
            && (known.Catalog, known.Version, known.Shipped) == (catalog, version, shipped)
            && known.Since <= now && now < known.Until)
        {
            return false;
        }

        if (AreLevelsDue(catalog, now) || IsSnapshotDue(catalog, now) || IsRetentionDue(catalog, now) || Bridged(catalog).Length > 0)
        {
            return true;
        }

        // What waits for an image is looked at each time: the image may just have been shipped.
        _nothingDue = _damaged.Count == 0 && _upload.Requested is null ? (catalog, version, shipped, now, NextDue(now)) : null;
        return false;
    }

    // As long as the catalogue does not change, only the clock makes something due.
    private DateTimeOffset NextDue(DateTimeOffset now)
    {
        var next = MaintenanceClock.NextAfter(_options.SnapshotInterval, now);
        Take(MaintenanceClock.NextAfter(_options.L0RetentionCheckInterval, now));
        foreach (var interval in _options.CompactionIntervals)
        {
            Take(MaintenanceClock.NextAfter(interval, now));
        }

        if (_retentionRecheckAt > now)
        {
            Take(_retentionRecheckAt);
        }

        return next;

        void Take(DateTimeOffset moment) => next = moment < next ? moment : next;
    }

    private bool AreLevelsDue(ReplicaCatalog catalog, DateTimeOffset now)
    {
        if ((catalog, catalog.Version) == _compacted)
        {
            return false; // There was nothing to compact, and nothing has changed.
        }

        for (var i = 0; i < _lastRuns.Length; i++)
        {
            if (IsLevelDue(i, now))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsLevelDue(int index, DateTimeOffset now)
        => MaintenanceClock.IsDue(_options.CompactionIntervals[index], _lastRuns[index], now);

    private bool IsSnapshotDue(ReplicaCatalog catalog, DateTimeOffset now)
    {
        var newest = catalog.NewestAt(Level.Snapshots);
        var last = newest?.Created > _lastSnapshot || _lastSnapshot is null ? newest?.Created : _lastSnapshot;
        return MaintenanceClock.IsDue(_options.SnapshotInterval, last, now)
            && _upload.Shipped > (newest?.MaxTxid ?? Txid.None)
            && _upload.Requested is null;
    }

    private bool IsRetentionDue(ReplicaCatalog catalog, DateTimeOffset now)
        => _options.IsRetentionEnabled
            && ((catalog, catalog.Version) != _retained || now >= _retentionRecheckAt)
            && MaintenanceClock.IsDue(_options.L0RetentionCheckInterval, _lastRetention, now);

    private async Task RunAsync(CancellationToken stopping)
    {
        _nothingDue = null;
        try
        {
            using var place = await _scope.Maintenance.EnterAsync(stopping).ConfigureAwait(false);
            await RunDueAsync(stopping).ConfigureAwait(false);
            _backOff.Reset();
            NoteFailure(null);
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
        _scope.Logger.MaintenanceFailed(
            _options.DatabasePath, _upload.Store.Name, _pause.Delay.TotalMilliseconds, Log.Reason(failure));
        if (failure is ReplicaConflictException)
        {
            _hasConflict = true;
            _upload.Distrust(); // So that shipping looks at the claim too, though there may be nothing to ship.
            Changed();
        }
    }

    // What fails on one level holds back no other, nor snapshots and retention; the first failure is thrown at the end.
    private async Task RunDueAsync(CancellationToken stopping)
    {
        if (Catalog is not { } catalog)
        {
            return;
        }

        Begin(catalog);
        var now = _scope.Time.GetUtcNow();
        var version = catalog.Version;
        var failures = new List<Exception>();
        for (var i = 0; i < _lastRuns.Length; i++)
        {
            if (IsLevelDue(i, now) && await TryAsync(() => CompactAsync(catalog, new Level(i + 1), stopping), failures).ConfigureAwait(false))
            {
                _lastRuns[i] = now;
            }
        }

        if (IsSnapshotDue(catalog, now)
            && await TryAsync(() => ComposeSnapshotAsync(catalog, stopping), failures).ConfigureAwait(false))
        {
            _lastSnapshot = now;
        }

        if (Catalog == catalog)
        {
            await TryAsync(() => DeleteDamagedAsync(catalog, stopping), failures).ConfigureAwait(false);
            if (IsRetentionDue(catalog, now) && await TryAsync(() => DeleteAsync(catalog, now, stopping), failures).ConfigureAwait(false))
            {
                _lastRetention = now;
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
            _compacted = (catalog, version);
        }
    }

    // A run begins. A destination that was listed anew shows what is damaged too.
    private void Begin(ReplicaCatalog catalog)
    {
        _readAgain.Clear();
        foreach (var damaged in catalog.Files.Where(file => _damaged.Contains(file.Key)))
        {
            catalog.Remove(damaged.Key);
        }
    }

    private static async Task<bool> TryAsync(Func<Task> work, List<Exception> failures)
    {
        try
        {
            await work().ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or (TidemarkException and not ReplicaConflictException))
        {
            failures.Add(e);
            return false;
        }
    }

    private bool HasLevelWork(ReplicaCatalog catalog)
    {
        var files = catalog.Files;
        return Enumerable.Range(1, _lastRuns.Length)
            .Any(level => CompactionDecision.From(files, new Level(level)) is not CompactionDecision.Idle);
    }

    private async Task CompactAsync(ReplicaCatalog catalog, Level level, CancellationToken cancellationToken)
    {
        while (CompactionDecision.From(catalog.Files, level) is var decision and not CompactionDecision.Idle)
        {
            await _upload.Claim.ConfirmAsync(cancellationToken).ConfigureAwait(false);
            var result = await _compaction.RunAsync(catalog, level, takesSingle: false, cancellationToken).ConfigureAwait(false);
            if (result.File is { } file)
            {
                NoteFile(file, result);
            }
            else if (result.Failure is not null)
            {
                IReadOnlyList<LtxFileInfo> inputs = decision is CompactionDecision.Merge merge ? merge.Inputs : [];
                await MendAsync(catalog, result, inputs, cancellationToken).ConfigureAwait(false);
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
                await MendAsync(catalog, result, [], cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (result.File is { } file)
            {
                NoteFile(file, result);
                if (result.IsProven)
                {
                    Volatile.Write(ref _proven, file.MaxTxid.Value);
                }
            }

            return;
        }
    }

    private async Task DeleteAsync(ReplicaCatalog catalog, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var plan = RetentionPlan.From(catalog.Files, now, _retentionOptions);
        if (plan.Deletions.Count > 0)
        {
            await _upload.Claim.ConfirmAsync(cancellationToken).ConfigureAwait(false);
            var result = await _retention.RunAsync(plan, catalog, cancellationToken).ConfigureAwait(false);
            _scope.Metrics.Deleted(_options.DatabasePath, _upload.Store.Name, result.Files);
            _scope.Logger.Deleted(_options.DatabasePath, _upload.Store.Name, result.Files, result.SizeBytes, plan.Floor ?? Txid.First);
        }

        (_retained, _retentionRecheckAt) = ((catalog, catalog.Version), plan.RecheckAt ?? DateTimeOffset.MaxValue);
    }

    // The damaged files that a snapshot leads past which was asked for since, and lies there.
    private LtxFileKey[] Bridged(ReplicaCatalog catalog)
        => _options.IsRetentionEnabled && _upload.Requested is null && _damaged.Count > 0
            && catalog.NewestAt(Level.Snapshots) is { } snapshot
                ? [.. _damaged.Where(file => file.Name.MaxTxid <= snapshot.MaxTxid)]
                : [];

    private async Task DeleteDamagedAsync(ReplicaCatalog catalog, CancellationToken cancellationToken)
    {
        if (Bridged(catalog) is { Length: > 0 } files)
        {
            await ConfirmNowAsync(cancellationToken).ConfigureAwait(false);
            foreach (var file in files)
            {
                // What a failure kept from being made again may be made now.
                if (!await TryWriteAgainAsync(catalog, file, cancellationToken).ConfigureAwait(false))
                {
                    await _upload.Store.DeleteAsync([file], cancellationToken).ConfigureAwait(false);
                }

                _damaged.Remove(file);
            }
        }
    }

    private async ValueTask ConfirmNowAsync(CancellationToken cancellationToken)
        => await _upload.Claim.ConfirmNowAsync(cancellationToken).ConfigureAwait(false);

    private void RequestImage()
    {
        _upload.RequestImage(Level.Snapshots, Txid.First);
        Changed();
    }

    private async ValueTask<bool> TryMendAsync(ReplicaCatalog catalog, LtxFileKey damaged, CancellationToken cancellationToken)
    {
        try
        {
            var isMended = await TryWriteAgainAsync(catalog, damaged, cancellationToken).ConfigureAwait(false);
            _ = isMended && _damaged.Remove(damaged);
            return isMended;
        }
        catch
        {
            _writtenAgain.Remove(damaged); // It was not tried to its end.
            RequestImage();
            throw;
        }
    }

    // Once for each file: a place that damages what is put there does so again.
    private async ValueTask<bool> TryWriteAgainAsync(ReplicaCatalog catalog, LtxFileKey damaged, CancellationToken cancellationToken)
    {
        if (!_writtenAgain.Add(damaged))
        {
            return false;
        }

        if (damaged.Level == Level.Captured)
        {
            return await _upload.TryShipAgainAsync(damaged, cancellationToken).ConfigureAwait(false);
        }

        while (true)
        {
            var result = damaged.Level == Level.Snapshots
                ? await _snapshots.MakeAgainAsync(catalog, damaged, cancellationToken).ConfigureAwait(false)
                : await _compaction.MakeAgainAsync(catalog, damaged, cancellationToken).ConfigureAwait(false);
            if (result.File is { } file)
            {
                NoteFile(file, result);
                return true;
            }

            if (result.DamagedFile is null)
            {
                return false;
            }

            await MendAsync(catalog, result, [], cancellationToken).ConfigureAwait(false); // Each round mends one, or has one less.
        }
    }

    /// <summary>Mends what can be mended at once, so that it can be tried again; throws when something else has to happen first.</summary>
    private async Task MendAsync(
        ReplicaCatalog catalog, CompactionResult result, IReadOnlyList<LtxFileInfo> inputs, CancellationToken cancellationToken)
    {
        var failure = result.Failure!;
        if (result.DamagedFile is { } damaged)
        {
            if (_readAgain.Add(damaged) && await IsWholeAsync(damaged, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            // Until it is whole again it takes the place of nothing, whatever happens here.
            _damaged.Add(damaged);
            catalog.Remove(damaged);
            if (await TryMendAsync(catalog, damaged, cancellationToken).ConfigureAwait(false))
            {
                _scope.Logger.ShippedAgain(_options.DatabasePath, damaged.ToString(), _upload.Store.Name);
                return;
            }

            // Other files may lead past it, on this level or on another. If not, there is a gap now.
            _scope.Logger.Damaged(_options.DatabasePath, _upload.Store.Name, Log.Reason(failure));
            RequestImage();
            return;
        }

        if (result.Outcome == CompactionOutcome.Stale)
        {
            _upload.Distrust(); // The destination is listed anew before anything else happens there.
            Changed();
        }
        else
        {
            foreach (var input in result.Outcome == CompactionOutcome.Damaged ? inputs : [])
            {
                catalog.Remove(input.Key); // They are not one history, and nobody can tell where it breaks.
            }

            _scope.Logger.CannotContinue(_options.DatabasePath, _upload.Store.Name, Log.Reason(failure));
            RequestImage();
        }

        ExceptionDispatchInfo.Throw(failure);
    }

    // What was read wrong on its way here is no damage, and history must not be given up for it. Once a run: then it counts.
    private async ValueTask<bool> IsWholeAsync(LtxFileKey file, CancellationToken cancellationToken)
    {
        var content = await _upload.Store.OpenAsync(file, 0, null, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            try
            {
                await LtxReader.VerifyAsync(content, file.ToString(), cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (LtxFormatException)
            {
                return false;
            }
        }
    }

    private void NoteFile(LtxFileInfo file, CompactionResult result)
    {
        _damaged.Remove(file.Key); // Made anew, in the course of things.
        _scope.Metrics.Compacted(_options.DatabasePath, _upload.Store.Name, file.Level.Value, file.SizeBytes);
        _scope.Logger.Compacted(
            _options.DatabasePath, file.Key.ToString(), _upload.Store.Name, result.InputCount, result.BytesRead, file.SizeBytes);
    }

    private void NoteFailure(Exception? failure)
    {
        lock (_gate)
        {
            _failure = failure is null ? null : new FailureStatus(_scope.Time.GetUtcNow(), Log.Reason(failure));
        }
    }
}
