using Tidemark.Formats;
using Tidemark.Formats.Wal;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Capture;

/// <summary>One capture: observes the end of the WAL, decides, and writes at most one file to the spool. One capture is one TXID.</summary>
/// <remarks>
/// Whatever fails, the position stays at the last file that is durable, and the next run begins with a new observation. The order inside is
/// what keeps data safe: the file is durable before the position moves, and the old guard ends only after its successor's snapshot is in
/// the spool.
/// </remarks>
internal static class CaptureStep
{
    /// <summary>Runs one capture. The result says whether another one would find more at once.</summary>
    /// <exception cref="DatabaseException">SQLite refused something; transient when the database was busy.</exception>
    /// <exception cref="WalMismatchException">The WAL file is not what SQLite says. The next run compares pages.</exception>
    /// <exception cref="IOException">The spool could not be written.</exception>
    public static CaptureResult Run(CapturedDatabase database) => Run(database, static _ => false);

    /// <summary>
    /// Runs captures up to what is committed when it begins. An application that writes faster than captures are made cannot make it
    /// endless.
    /// </summary>
    /// <param name="database">The database.</param>
    /// <param name="goesOn">Is told of every capture but the last, and says whether to go on with the next.</param>
    /// <returns>The last capture.</returns>
    /// <inheritdoc cref="Run(CapturedDatabase)"/>
    public static CaptureResult Run(CapturedDatabase database, Func<CaptureResult, bool> goesOn)
    {
        if (database.IsAtRest)
        {
            return new CaptureResult(CaptureOutcome.Idle, database.Position!.Txid);
        }

        if (!database.TryOpen())
        {
            return new CaptureResult(CaptureOutcome.NoDatabase, database.Position?.Txid ?? Txid.None);
        }

        try
        {
            var seen = database.EnsureGuard();
            database.ContinueAsLeft(seen);
            return Decide(database, seen.End) switch
            {
                CaptureDecision.Idle => Idle(database, seen),
                CaptureDecision.Continue next => Continue(database, seen, next.FirstFrame, goesOn),
                CaptureDecision.Heal heal => Heal(database, seen.End, heal.Reason),
                _ => ImageCapture.Run(database, null),
            };
        }
        catch (WalMismatchException)
        {
            database.Distrust();
            throw;
        }
        finally
        {
            database.Rest();
        }
    }

    /// <summary>Whether the next capture would write every page for want of a state to compare with, though some destination holds one that
    /// it could be compared with (see <see cref="CapturedDatabase.Adopt"/>).</summary>
    /// <returns>The page size that such a state must have, or null when there is no use for one.</returns>
    /// <exception cref="DatabaseException">SQLite refused something; transient when the database was busy.</exception>
    public static PageSize? FindWantOfBase(CapturedDatabase database)
    {
        if (database.HasBase || database.ReplicaTxid.IsNone || database.IsSettling || !database.TryOpen())
        {
            return null;
        }

        var end = database.EnsureGuard().End;
        return Decide(database, end) is CaptureDecision.FirstImage or CaptureDecision.Heal ? end?.PageSize ?? database.Live!.Guard.PageSize : null;
    }

    /// <summary>Captures everything up to the snapshot that a connection holds, in as many captures as it takes, without touching the
    /// guard.</summary>
    /// <returns>False when the WAL does not continue; nothing was done then.</returns>
    public static bool TryRunTo(CapturedDatabase database, DatabaseConnection reader)
    {
        var continues = TryStageTo(database, reader, out var last);
        using (last)
        {
            last?.Complete();
        }

        return continues;
    }

    /// <summary>Does the same except for the end of the last capture, for which the disk has to be waited for.</summary>
    /// <param name="database">The database.</param>
    /// <param name="reader">The connection that holds the snapshot.</param>
    /// <param name="last">The last capture, to be completed, or null when there was nothing to capture.</param>
    public static bool TryStageTo(CapturedDatabase database, DatabaseConnection reader, out StagedCapture? last)
    {
        while (true)
        {
            last = null;
            var snapshot = reader.GetSnapshot().End;
            var decision = Decide(database, snapshot);
            if (decision is not CaptureDecision.Continue next)
            {
                return decision is CaptureDecision.Idle;
            }

            last = FrameCapture.Stage(database, reader, snapshot!.Value, next.FirstFrame);
            if (!last.HasMore)
            {
                return true;
            }

            using (last)
            {
                last.Complete();
            }
        }
    }

    private static CaptureDecision Decide(CapturedDatabase database, WalIndexHeader? snapshot)
    {
        var holdsPosition = database.Position is { } position
            && snapshot is { FrameCount: > 0 } wal
            && wal.Salts == position.Salts
            && wal.PageSize == position.PageSize
            && wal.FrameCount >= position.Frame
            && HoldsPosition(database, position, wal);
        return CaptureDecision.From(
            new WalObservation(database.Position, snapshot, database.ReplicaTxid, database.GuardIsUninterrupted, holdsPosition)
            {
                Doubt = database.Doubt,
            });
    }

    private static bool HoldsPosition(CapturedDatabase database, Position position, WalIndexHeader snapshot)
    {
        if (position.FrameChecksum is { } known && position.Frame == snapshot.FrameCount)
        {
            return known == snapshot.Checksum;
        }

        if (position.FrameChecksum is not null && database.GuardIsUninterrupted)
        {
            return true; // No frame can have changed, and the chain of checksums is verified from the position on anyway.
        }

        using var wal = WalFile.Open(database.Files, database.Live!.WalPath, snapshot);
        if (position.FrameChecksum is { } expected)
        {
            return position.Frame == 0 ? wal.Header.Checksum == expected : wal.TryReadChecksum(position.Frame) == expected;
        }

        if (database.Evidence?.Find(wal, database.Spool, position) is not { } found)
        {
            return false;
        }

        database.Prove(found);
        return true;
    }

    private static CaptureResult Idle(CapturedDatabase database, in WalSnapshot seen)
    {
        var before = database.Position!.Txid;
        FollowUp(database, seen);
        var after = database.Position.Txid;
        return new CaptureResult(after == before ? CaptureOutcome.Idle : CaptureOutcome.Frames, after);
    }

    private static CaptureResult Continue(
        CapturedDatabase database, in WalSnapshot seen, uint firstFrame, Func<CaptureResult, bool> goesOn)
    {
        var live = database.Live!;
        var end = seen.End!.Value;
        if (firstFrame == 1)
        {
            live.ThrowIfChanged(); // A WAL that started over continues what is in the file, if that is still what it was.
        }

        var result = FrameCapture.Run(database, live.Guard, end, firstFrame);
        while (result.HasMore && goesOn(result))
        {
            result = FrameCapture.Run(database, live.Guard, end, database.Position!.Frame + 1);
        }

        // Until then a guard that was begun for this stands beyond the position. Better than none, but it proves nothing.
        if (!result.HasMore)
        {
            FollowUp(database, seen);
        }

        return result with { Txid = database.Position!.Txid };
    }

    // Everything up to here is in the spool, so the guard follows.
    private static void FollowUp(CapturedDatabase database, in WalSnapshot seen)
    {
        var live = database.Live!;

        // Where the guard stood at mark 0 and did not protect the position before, the WAL may have been started over, and more than once,
        // before the guard had moved.
        var wasProtected = database.GuardIsUninterrupted || live.IsGuardInsideWal;
        var isThere = live.TryMoveGuard(seen);
        database.GuardIsUninterrupted = live.IsGuarded && (isThere || wasProtected);
        if (!isThere)
        {
            // A transaction does not move while somebody checkpoints, who may be waiting for just this guard, and writers for him. But
            // another one can begin; with a little more to capture, if writers went on.
            live.Second.BeginRead();
            if (!TryRunTo(database, live.Second))
            {
                return;
            }

            live.HandOver(isInsideWal: false);
            database.GuardIsUninterrupted = true;
        }

        live.TryLeaveWal();
    }

    private static CaptureResult Heal(CapturedDatabase database, WalIndexHeader? snapshot, Discontinuity reason)
    {
        // Often enough nothing has changed: the WAL went into the file when everybody had closed the database, or the state was read from a
        // replica and has no place in any WAL. Then no frame is forced, which would change the database.
        var end = snapshot is { FrameCount: > 0 } ? snapshot : null;
        var isWorthALook = end is null || database.Position!.IsOutsideOfWal;
        return isWorthALook && database.HasBase && ImageCapture.TryRunUnchanged(database, end, reason) is { } unchanged
            ? unchanged
            : ImageCapture.Run(database, reason);
    }
}
