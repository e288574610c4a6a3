using Tidemark.Formats.Wal;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Checkpoints;

/// <summary>Copies the WAL into the database file, and lets it start over when it has grown, without ever stopping writers for the
/// copying.</summary>
/// <remarks>
/// <para>Only PASSIVE checkpoints, in two moves. <b>Drain</b>: everything is captured and the guard stands at the end; PASSIVE copies up to
/// the guard, with no lock that a writer needs. <b>Seal</b>: the second connection takes the write lock, the last few frames are written to
/// the spool and copied, the guard begins again at mark 0, and the lock is released; only then the spool's file is made durable. The next
/// writer then finds a WAL that is wholly in the file and used by nobody, and starts it over.</para>
/// <para>Owns the memory of the last attempt. Not thread-safe.</para>
/// </remarks>
/// <param name="database">The database.</param>
/// <param name="policy">When, and which.</param>
/// <param name="whenCaptured">Hears of every capture that a seal makes, no lock being held.</param>
internal sealed class CheckpointStep(CapturedDatabase database, CheckpointPolicy policy, Action<CaptureResult>? whenCaptured = null)
{
    private WalSalts _run;
    private uint _framesAtLastAttempt;
    private bool _wasIncomplete;
    private long _lastAttempt = database.Time.GetTimestamp();
    private uint? _sealedFrame;

    /// <summary>Whether <see cref="Run()"/> would do anything.</summary>
    public bool IsDue => Decide() != CheckpointAction.None;

    /// <summary>Runs a checkpoint if one is due. The database was captured to its end just before.</summary>
    /// <exception cref="DatabaseException">SQLite refused something.</exception>
    public CheckpointResult Run() => Decide() is var action and not CheckpointAction.None ? Run(action) : default;

    /// <summary>Whether the WAL holds anything that is not in the database file and that no checkpoint was tried for.</summary>
    public bool HasRest => database.Live is { IsWalWhollyCopied: false }
        && database.GuardIsUninterrupted
        && database.Position is { } position
        && (position.Salts != _run || position.Frame != _framesAtLastAttempt);

    /// <summary>Runs a checkpoint now.</summary>
    public CheckpointResult Run(CheckpointAction action)
    {
        try
        {
            // Where something other than SQLite has changed the files, nothing is written, and the next capture turns to it.
            return database.Live!.TryOpenSecond() ? Drain(action) : default;
        }
        catch (ForeignChangeException)
        {
            return default;
        }
        finally
        {
            database.Rest();
        }
    }

    private CheckpointResult Drain(CheckpointAction action)
    {
        _lastAttempt = database.Time.GetTimestamp();
        _framesAtLastAttempt = database.Position!.Frame;
        var live = database.Live!;
        var progress = live.CheckpointPassive(live.Second);

        // Writers go on, so there may be frames beyond the guard. But if less was copied than the guard allows, another reader pins the
        // WAL, and the write lock would be taken for nothing.
        var isPinned = progress.FramesCopied < database.Position.Frame;
        _wasIncomplete = isPinned;
        live.TryLeaveWal();
        return action == CheckpointAction.Seal && !isPinned
            ? Seal(progress)
            : new CheckpointResult(action, progress, isPinned, false, TimeSpan.Zero);
    }

    private CheckpointAction Decide()
    {
        if (database.Live is null || !database.GuardIsUninterrupted || database.Position is not { } position)
        {
            return CheckpointAction.None;
        }

        if (position.Salts != _run)
        {
            (_run, _framesAtLastAttempt, _wasIncomplete, _sealedFrame) = (position.Salts, 0, false, null);
        }

        // Wholly in the file and with the guard out of it, a WAL is as good as sealed.
        var isSealed = position.Frame == _sealedFrame || (database.Live.IsGuardAtMark0 && database.Live.IsWalWhollyCopied);
        var frames = isSealed ? 0 : position.Frame;
        return policy.Decide(new CheckpointObservation(frames, _framesAtLastAttempt, _wasIncomplete, database.Time.GetElapsedTime(_lastAttempt)));
    }

    private CheckpointResult Seal(CheckpointProgress drained)
    {
        // What was committed during the drain is captured before writers have to wait.
        var live = database.Live!;
        var found = CaptureStep.Run(
            database,
            result =>
            {
                whenCaptured?.Invoke(result);
                return true;
            });
        whenCaptured?.Invoke(found);
        if (database.Live != live || !database.GuardIsUninterrupted)
        {
            return new CheckpointResult(CheckpointAction.Seal, drained, false, false, TimeSpan.Zero); // Another file took its place.
        }

        var guard = live.Guard;
        if (!live.TryOpenSecond() || !live.Second.TryBeginImmediate())
        {
            return new CheckpointResult(CheckpointAction.Seal, drained, false, false, TimeSpan.Zero);
        }

        var locked = database.Time.GetTimestamp();
        var isComplete = false;
        StagedCapture? last = null;
        try
        {
            // Nobody can write, so nobody can start the WAL over: the guard may move to the end before the last frames are captured.
            live.RenewGuard();
            if (IsShort(guard) && CaptureStep.TryStageTo(database, guard, out last))
            {
                guard.Rollback();
                drained = live.CheckpointPassive(guard);
                live.RenewGuard();
                isComplete = true;
            }
        }
        catch (Exception e)
        {
            last?.Dispose();
            if (e is WalMismatchException)
            {
                database.Distrust();
            }

            throw;
        }
        finally
        {
            // Until the last capture is durable, the guard proves nothing. If it never is, the pages that differ are captured.
            database.GuardIsUninterrupted = false;
            live.Second.Rollback();
        }

        var held = database.Time.GetElapsedTime(locked);
        using (last)
        {
            if (last?.Complete() is { } captured)
            {
                whenCaptured?.Invoke(captured);
            }
        }

        database.GuardIsUninterrupted = isComplete;
        _framesAtLastAttempt = database.Position!.Frame;
        _sealedFrame = isComplete && drained.IsComplete ? database.Position.Frame : null;
        return new CheckpointResult(
            CheckpointAction.Seal, drained, isComplete && !drained.IsComplete, isComplete && drained.IsComplete, held);
    }

    // A writer that is faster than captures may have added much again. Then it is left alone, and sealed at the next attempt; but the
    // longer the WAL has grown, the more it is worth a wait.
    private bool IsShort(DatabaseConnection reader)
    {
        const uint FramesMin = 256;
        var position = database.Position!;
        return reader.GetSnapshot().End is not { } end
            || (end.Salts == position.Salts ? end.FrameCount - position.Frame : end.FrameCount) <= Math.Max(FramesMin, position.Frame / 16);
    }
}
