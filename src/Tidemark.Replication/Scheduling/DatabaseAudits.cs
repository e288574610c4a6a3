using Tidemark.Formats;
using Tidemark.Replication.Audit;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Health;

namespace Tidemark.Replication.Scheduling;

/// <summary>The audits of one database: begun by the clock, after what makes one doubt, or on demand, and made piece by piece between
/// captures.</summary>
/// <remarks>
/// <para>What stands in the way of an audit holds back no capture: it is reported, and the audit goes on after a pause. Nothing waits on a
/// timer but between two pieces; else the sweep asks.</para>
/// <para>One step at a time, by the one who may use the connections, except <see cref="RequestAsync"/>.</para>
/// </remarks>
/// <param name="database">The database.</param>
/// <param name="options">Its options.</param>
/// <param name="health">Is told of what was found.</param>
/// <param name="offer">Tells the destinations of what was captured for a piece.</param>
/// <param name="scope">What the run shares.</param>
internal sealed class DatabaseAudits(
    CapturedDatabase database, DatabaseOptions options, DatabaseHealth health, Action offer, ReplicationScope scope)
{
    // Small enough that a change which comes meanwhile hardly waits.
    private const long PieceBytes = 8 << 20;

    private static readonly TimeSpan s_delayMin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromMinutes(10);

    private readonly BackOff _backOff = new(s_delayMin, s_delayMax, scope.Random);
    private AuditRecord? _record;
    private AuditProgress? _progress;
    private TaskCompletionSource<AuditStatus>? _request;
    private volatile bool _hasEnded;
    private bool _isUnderway;
    private bool _isOwed;
    private (long Since, TimeSpan Delay) _pause;

    /// <summary>How long until the next piece, while an audit is underway; or else null, and the sweep asks.</summary>
    public TimeSpan? RestOfPause => !_isUnderway ? null : Rest is var rest && rest > TimeSpan.Zero ? rest : TimeSpan.Zero;

    private TimeSpan Rest => _pause.Delay - scope.Time.GetElapsedTime(_pause.Since);

    /// <summary>Reads what is kept of the last audit.</summary>
    public void Load()
    {
        _record = AuditFile.TryRead(scope.Files, database.Spool.AuditPath);
        _isOwed = _record is { IsOpen: true };
        health.NoteAudit(_record?.Last);
    }

    /// <summary>Whether an audit goes on, so that the database has to stay open.</summary>
    public bool IsUnderway => _isUnderway;

    /// <summary>Whether an audit is to be begun, or to be gone on with after a pause. Makes no call to the system.</summary>
    public bool IsWanted()
        => !_isUnderway
            && database.Position is not null
            && (Volatile.Read(ref _request) is not null || (IsDue() && Rest <= TimeSpan.Zero && scope.Audits.IsFreeFor(this)));

    /// <summary>A capture may be reason for an audit.</summary>
    public void NoteCapture(in CaptureResult result)
        => _isOwed |= result.Outcome is CaptureOutcome.Difference or CaptureOutcome.Image && AuditSchedule.IsOwedAfter(result.Discontinuity);

    /// <summary>Asks for an audit now, whatever the interval. From any thread; whoever may use the connections is to be woken.</summary>
    /// <returns>What it finds; also when another one was underway or asked for before.</returns>
    public Task<AuditStatus> RequestAsync()
    {
        var mine = new TaskCompletionSource<AuditStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        var request = Interlocked.CompareExchange(ref _request, mine, null) ?? mine;
        if (_hasEnded)
        {
            request.TrySetCanceled();
        }

        return request.Task;
    }

    /// <summary>Compares a piece if an audit is underway or wanted and its pause is over; after a capture. Where it fails, that is reported
    /// and a pause begins.</summary>
    public void TryRun()
    {
        NoteBegin();
        if (IsWanted() && (Volatile.Read(ref _request) is not null || scope.Audits.TryTake(this)))
        {
            _isUnderway = true;
            _pause = default;
        }

        if (!_isUnderway || Rest > TimeSpan.Zero)
        {
            return;
        }

        try
        {
            var started = scope.Time.GetTimestamp();
            var result = Run();
            _pause = (scope.Time.GetTimestamp(), AuditSchedule.PauseAfter(
                result.BytesRead, scope.Time.GetElapsedTime(started), options.AuditBytesPerSecond));
            if (result.Outcome == AuditStepOutcome.NotNow)
            {
                Pause();
            }
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            var delay = Pause();
            scope.Metrics.AuditFailed(options.DatabasePath);
            health.NoteAuditFailure(e);
            scope.Logger.AuditFailed(options.DatabasePath, delay.TotalMilliseconds, Log.Reason(e));
            Interlocked.Exchange(ref _request, null)?.TrySetException(e);
        }
    }

    /// <summary>Compares a piece, whatever the clock says.</summary>
    /// <returns>What it found; of a whole audit when that has come to its end.</returns>
    /// <inheritdoc cref="AuditStep.Run"/>
    public AuditStepResult Run()
    {
        var progress = _progress ??= new AuditProgress(scope.Time.GetUtcNow());
        var result = AuditStep.Run(database, progress, PieceBytes);
        offer();
        scope.Metrics.AuditRead(options.DatabasePath, result.PageCount);
        if (result.Outcome is AuditStepOutcome.Equal or AuditStepOutcome.Different)
        {
            Finish(progress, result);
        }

        return result;
    }

    /// <summary>The run of the database has ended.</summary>
    /// <param name="inOrder">Whether everything was captured.</param>
    public void End(bool inOrder)
    {
        scope.Audits.GiveBack(this);
        (_hasEnded, _isUnderway) = (true, false);
        Interlocked.Exchange(ref _request, null)?.TrySetCanceled();
        if (inOrder && !_isOwed && _record is { IsOpen: true } record)
        {
            Keep(record with { IsOpen = false });
        }
    }

    private bool IsDue()
        => _record is { } record && AuditSchedule.IsDue(
            options.AuditInterval, database.Lineage, record.Last?.Finished ?? record.Since, _isOwed, scope.Time.GetUtcNow());

    // From now on, a run that does not end in order is known by this.
    private void NoteBegin()
    {
        if (options.AuditInterval > TimeSpan.Zero && database.Position is not null && _record is not { IsOpen: true })
        {
            Keep(new AuditRecord(_record?.Last, _record?.Since ?? scope.Time.GetUtcNow(), IsOpen: true));
        }
    }

    private TimeSpan Pause()
    {
        scope.Audits.GiveBack(this);
        _isUnderway = false;
        _pause = (scope.Time.GetTimestamp(), _backOff.Next());
        return _pause.Delay;
    }

    private void Finish(AuditProgress progress, in AuditStepResult result)
    {
        var isEqual = result.Outcome == AuditStepOutcome.Equal;
        var first = isEqual && !progress.FirstTxid.IsNone ? progress.FirstTxid : result.Txid;
        var pages = isEqual && progress.PageCount > 0 ? progress.PageCount : result.PageCount;
        var status = new AuditStatus(
            isEqual ? AuditOutcome.Equal : AuditOutcome.Different,
            first,
            result.Txid,
            progress.Started,
            scope.Time.GetUtcNow(),
            pages,
            result.DifferentPages);
        _progress = null;
        _isUnderway = false;
        _isOwed = !isEqual; // After the pages that differ are captured, it has to be shown that they are.
        scope.Audits.GiveBack(this);
        _backOff.Reset();
        health.NoteAudit(status);
        scope.Metrics.Audited(options.DatabasePath, isEqual, result.DifferentPages);
        if (isEqual)
        {
            scope.Logger.Audited(scope.MaintenanceLevel, options.DatabasePath, pages, result.Txid);
        }
        else
        {
            scope.Logger.AuditFoundDifference(
                options.DatabasePath, result.DifferentPages, Log.Pages(result.FirstDifferent, result.DifferentPages), result.Txid);
        }

        Keep(new AuditRecord(status, _record?.Since ?? status.Started, _record?.IsOpen ?? false));
        Interlocked.Exchange(ref _request, null)?.TrySetResult(status);
    }

    private void Keep(AuditRecord record)
    {
        _record = record;
        try
        {
            AuditFile.Write(scope.Files, database.Spool.AuditPath, record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            scope.Logger.AuditNotKept(options.DatabasePath, Log.Reason(e)); // The next start audits sooner.
        }
    }
}
