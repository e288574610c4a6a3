using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Health;

namespace Tidemark.Replication.Scheduling;

/// <summary>How one database stands: what its status tells, what is counted, and what is logged when something changes.</summary>
/// <remarks>Told by one step at a time; asked from any thread.</remarks>
/// <param name="options">The database.</param>
/// <param name="scope">What the run shares.</param>
/// <param name="captured">The newest capture in the spool.</param>
internal sealed class DatabaseHealth(DatabaseOptions options, ReplicationScope scope, Txid captured)
{
    // Every reader pins the WAL for a moment; only one that stays is worth a word.
    private static readonly TimeSpan s_pinReportedAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_pinReportedEvery = TimeSpan.FromMinutes(10);

    private readonly FailureReports _reports = new(scope.Time);
    private readonly Lock _gate = new();
    private DatabaseState _state;
    private DateTimeOffset? _lastSuccess;
    private FailureStatus? _failure;
    private WalPinStatus? _pin;
    private AuditStatus? _audit;
    private FailureStatus? _auditFailure;
    private Txid _captured = captured;
    private bool _isWaitingForDatabase;
    private bool _isEmptyTold;
    private long? _lastPinReport;

    /// <summary>The newest capture that destinations were told of.</summary>
    public Txid Captured
    {
        get
        {
            lock (_gate)
            {
                return _captured;
            }
        }

        set
        {
            lock (_gate)
            {
                _captured = value;
            }
        }
    }

    /// <summary>The status.</summary>
    /// <param name="walBytes">Size of the WAL.</param>
    /// <param name="spoolBytes">Size of the spool.</param>
    /// <param name="destinations">How the destinations stand; enumerated while nothing more is captured here.</param>
    public DatabaseStatus GetStatus(long walBytes, long spoolBytes, IEnumerable<DestinationStatus> destinations)
    {
        lock (_gate)
        {
            return new DatabaseStatus
            {
                DatabasePath = options.DatabasePath,
                State = _state,
                Captured = _captured,
                LastSuccess = _lastSuccess,
                Failure = _failure,
                WalBytes = walBytes,
                Pin = _pin,
                Audit = _audit,
                AuditFailure = _auditFailure,
                SpoolBytes = spoolBytes,
                Destinations = [.. destinations],
            };
        }
    }

    /// <summary>A look with everything that followed from it succeeded.</summary>
    public void NoteLook()
    {
        if (_failure is not null && !_isWaitingForDatabase)
        {
            scope.Logger.CapturesAgain(options.DatabasePath);
        }

        _reports.Reset();

        lock (_gate)
        {
            _state = _isWaitingForDatabase ? DatabaseState.Waiting : DatabaseState.Replicating;
            (_lastSuccess, _failure) = (scope.Time.GetUtcNow(), null);
        }
    }

    /// <summary>A look, or something that followed from it, failed.</summary>
    public void NoteFailure(Exception e)
    {
        scope.Metrics.CaptureFailed(options.DatabasePath);
        lock (_gate)
        {
            _state = DatabaseState.Failing;
            _failure = new FailureStatus(scope.Time.GetUtcNow(), Log.Reason(e));
        }
    }

    /// <summary>An audit has come to its end, in this run or, as it begins, in an earlier one.</summary>
    public void NoteAudit(AuditStatus? audit)
    {
        lock (_gate)
        {
            (_audit, _auditFailure) = (audit, null);
        }
    }

    /// <summary>A piece of an audit failed.</summary>
    public void NoteAuditFailure(Exception e)
    {
        lock (_gate)
        {
            _auditFailure = new FailureStatus(scope.Time.GetUtcNow(), Log.Reason(e));
        }
    }

    /// <summary>Logs a failure after which a look is tried again, unless it is one that lasts and was told of.</summary>
    public void ReportFailure(TimeSpan retryAfter, Exception e)
    {
        var reason = Log.Reason(e);
        if (!_reports.IsDue(reason))
        {
            return;
        }

        if (Log.IsDefect(e))
        {
            scope.Logger.Defect("a look", options.DatabasePath, e.ToString());
        }
        else
        {
            scope.Logger.CaptureFailed(options.DatabasePath, retryAfter.TotalMilliseconds, reason);
        }
    }

    /// <summary>The run has ended.</summary>
    public void NoteStop()
    {
        lock (_gate)
        {
            _state = DatabaseState.Stopped;
        }
    }

    /// <summary>A capture, or a look that found nothing to capture.</summary>
    public void NoteCapture(in CaptureResult result)
    {
        if (result.Outcome is CaptureOutcome.Frames or CaptureOutcome.Image or CaptureOutcome.Difference)
        {
            scope.Metrics.Captured(options.DatabasePath, result.PageCount);
        }

        switch (result.Outcome)
        {
            case CaptureOutcome.NoDatabase:
                if (!_captured.IsNone && scope.Files.TryGetFacts(options.DatabasePath) is { SizeBytes: 0 })
                {
                    TellEmpty();
                }
                else if (!_isWaitingForDatabase && _captured.IsNone)
                {
                    scope.Logger.WaitingForDatabase(options.DatabasePath);
                }
                else if (!_isWaitingForDatabase)
                {
                    scope.Logger.DatabaseIsGone(options.DatabasePath);
                }

                break;
            case CaptureOutcome.Frames:
                scope.Logger.Captured(options.DatabasePath, result.Txid, result.PageCount);
                break;
            case CaptureOutcome.Image when result.Discontinuity is null:
                scope.Logger.CapturedImage(options.DatabasePath, result.Txid, result.PageCount);
                break;
            case CaptureOutcome.NoDifference or CaptureOutcome.AsLeft:
                scope.Logger.Unchanged(options.DatabasePath, result.Txid);
                break;
            case CaptureOutcome.Image or CaptureOutcome.Difference:
                // Without a WAL the application has closed the database meanwhile, as applications do.
                var level = result.Discontinuity == Discontinuity.WalIsGone ? LogLevel.Information : LogLevel.Warning;
                var reason = DiscontinuityText.Describe(result.Discontinuity);
                scope.Logger.Healed(level, options.DatabasePath, reason, result.PageCount, result.Txid);
                break;
        }

        _isWaitingForDatabase = result.Outcome == CaptureOutcome.NoDatabase;
        _isEmptyTold &= _isWaitingForDatabase;
    }

    private void TellEmpty()
    {
        if (!_isEmptyTold)
        {
            scope.Logger.DatabaseIsEmpty(options.DatabasePath);
        }

        _isEmptyTold = true;
    }

    /// <summary>A checkpoint was run.</summary>
    /// <param name="result">What it did.</param>
    /// <param name="shmPath">Path of the WAL index, by which readers are found; null when the database is not open.</param>
    public void NoteCheckpoint(in CheckpointResult result, string? shmPath)
    {
        var progress = result.Progress;
        scope.Metrics.Checkpointed(options.DatabasePath, result.IsSealed, result.WriteLockHeld);
        scope.Logger.Checkpointed(
            options.DatabasePath, progress.FramesCopied, progress.FramesInWal, result.IsSealed, result.WriteLockHeld.TotalMilliseconds);
        var pin = result.IsPinned ? FindPin(progress.FramesInWal, shmPath) : null;
        lock (_gate)
        {
            _pin = pin;
        }
    }

    // Only a reader that stays is looked for: that reads the list of all locks of the system.
    private WalPinStatus FindPin(uint framesInWal, string? shmPath)
    {
        var now = scope.Time.GetUtcNow();
        var since = _pin?.Since ?? now;
        var isLong = now - since >= s_pinReportedAfter;
        var holders = isLong && shmPath is not null ? WalReaders.Find(scope.Files, shmPath) : [];
        var isReported = _lastPinReport is { } last && scope.Time.GetElapsedTime(last) < s_pinReportedEvery;
        if (isLong && framesInWal >= options.CheckpointPages && !isReported)
        {
            _lastPinReport = scope.Time.GetTimestamp();
            scope.Logger.Pinned(
                options.DatabasePath, since, framesInWal, holders.Count > 0 ? string.Join(", ", holders) : "not known");
        }

        return new WalPinStatus(since, framesInWal, holders);
    }
}
