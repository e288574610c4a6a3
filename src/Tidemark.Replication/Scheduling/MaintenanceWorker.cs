using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Retention;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Health;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>Compacts the files of one destination, composes its snapshots and deletes what no restore needs, when it is time for it.</summary>
/// <remarks>
/// <para>Decides only when a step runs. Nothing runs, no timer stands and no request is made for a destination whose files are as they were
/// when there was nothing to do. Shipping goes on beside it.</para>
/// <para>What cannot be compacted is reported and mended: from the spool while that still holds the capture, or else by a full image at the
/// level that could not go on (<see cref="LevelRepair"/>). Levels above go on meanwhile.</para>
/// </remarks>
internal sealed class MaintenanceWorker
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromMinutes(10);

    private readonly UploadStep _upload;
    private readonly Spool _spool;
    private readonly DatabaseOptions _options;
    private readonly ReplicationScope _scope;
    private readonly CompactionStep _compaction;
    private readonly SnapshotCompositionStep _snapshots;
    private readonly RetentionStep _retention;
    private readonly RetentionOptions _retentionOptions;
    private readonly BackOff _backOff = new(s_delayMin, s_delayMax, Random.Shared);
    private readonly DateTimeOffset?[] _lastRuns;
    private readonly Lock _gate = new();

    private Task _run = Task.CompletedTask;
    private DateTimeOffset? _lastSnapshot;
    private DateTimeOffset? _lastRetention;
    private DateTimeOffset _retentionRecheckAt;
    private long _retentionVersion = -1;
    private long _levelsVersion = -1;
    private (long Since, TimeSpan Delay) _pause;
    private LevelRepair? _repair;
    private FailureStatus? _failure;
    private ulong _proven;

    public MaintenanceWorker(UploadStep upload, Spool spool, Lineage lineage, DatabaseOptions options, ReplicationScope scope)
    {
        (_upload, _spool, _options, _scope) = (upload, spool, options, scope);
        _compaction = new CompactionStep(upload.Store, lineage);
        _snapshots = new SnapshotCompositionStep(upload.Store, lineage, scope.Files, spool.CompositionFolder);
        _retention = new RetentionStep(upload.Store);
        _retentionOptions = new RetentionOptions { SnapshotRetention = options.SnapshotRetention, L0Retention = options.L0Retention };
        _lastRuns = new DateTimeOffset?[options.CompactionIntervals.Count];
    }

    /// <summary>A full image that a level needs before it can go on, or null.</summary>
    public LevelRepair? Repair
    {
        get
        {
            lock (_gate)
            {
                return _repair;
            }
        }
    }

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

    private ReplicaCatalog? Catalog => _upload.IsReconciled ? _upload.Catalog : null;

    /// <summary>Begins a run if one is due and none is underway. By one thread.</summary>
    public void Sweep(CancellationToken stopping)
    {
        if (_run.IsCompleted && IsDue())
        {
            _run = RunAsync(stopping);
        }
    }

    /// <summary>Ends when no run is underway any more. After the token of the sweeps was cancelled.</summary>
    public Task EndAsync() => _run;

    /// <summary>Does at once what <c>-once</c> is asked for, and throws what goes wrong.</summary>
    public async Task RunOnceAsync(OnceOptions once, CancellationToken cancellationToken)
    {
        if (once.ForcesSnapshot)
        {
            await ComposeSnapshotAsync(cancellationToken).ConfigureAwait(false);
        }

        if (once.EnforcesRetention)
        {
            await DeleteAsync(_scope.Time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        }
    }

    private bool IsDue()
    {
        if (Catalog is not { } catalog || _scope.Time.GetElapsedTime(_pause.Since) < _pause.Delay)
        {
            return false;
        }

        var now = _scope.Time.GetUtcNow();
        return AreLevelsDue(catalog, now) || IsSnapshotDue(catalog, now) || IsRetentionDue(catalog, now);
    }

    private bool AreLevelsDue(ReplicaCatalog catalog, DateTimeOffset now)
    {
        if (catalog.Version == _levelsVersion)
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
            && Repair is not { Level.Value: Level.Count - 1 };
    }

    private bool IsRetentionDue(ReplicaCatalog catalog, DateTimeOffset now)
        => _options.IsRetentionEnabled
            && (catalog.Version != _retentionVersion || now >= _retentionRecheckAt)
            && MaintenanceClock.IsDue(_options.L0RetentionCheckInterval, _lastRetention, now);

    private async Task RunAsync(CancellationToken stopping)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // Off the sweep.
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
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            _pause = (_scope.Time.GetTimestamp(), _backOff.Next());
            NoteFailure(e);
            _scope.Metrics.MaintenanceFailed(_options.DatabasePath, _upload.Store.Name);
            _scope.Logger.MaintenanceFailed(
                _options.DatabasePath, _upload.Store.Name, _pause.Delay.TotalMilliseconds, Log.Reason(e));
        }
    }

    // What fails on one level holds back no other, nor snapshots and retention; it is thrown at the end.
    private async Task RunDueAsync(CancellationToken stopping)
    {
        var now = _scope.Time.GetUtcNow();
        Exception? failure = null;
        await AttemptAsync(() => CompactDueLevelsAsync(now, stopping)).ConfigureAwait(false);
        await AttemptAsync(() => SnapshotIfDueAsync(now, stopping)).ConfigureAwait(false);
        await AttemptAsync(() => DeleteIfDueAsync(now, stopping)).ConfigureAwait(false);
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        async Task AttemptAsync(Func<Task> work)
        {
            try
            {
                await work().ConfigureAwait(false);
            }
            catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
            {
                failure ??= e;
            }
        }
    }
