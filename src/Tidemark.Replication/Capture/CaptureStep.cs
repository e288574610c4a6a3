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
        if (!database.TryOpen())
        {
            return new CaptureResult(CaptureOutcome.NoDatabase, database.Position?.Txid ?? Txid.None);
        }

        var live = database.Live!;
        try
        {
            live.Free.BeginRead();
            var (decision, snapshot) = Observe(database, live.Free);
            return decision switch
            {
                CaptureDecision.Idle => Idle(database),
                CaptureDecision.Continue next => Continue(database, snapshot!.Value, next.FirstFrame, goesOn),
                CaptureDecision.Heal heal => Heal(database, snapshot, heal.Reason),
                _ => Image(database, null),
            };
        }
        catch (WalMismatchException)
        {
            database.Distrust();
            throw;
        }
        finally
        {
            live.Free.Rollback();
        }
    }

    /// <summary>Whether the next capture would write every page for want of a state to compare with, though some destination holds one that
    /// it could be compared with (see <see cref="CapturedDatabase.Adopt"/>).</summary>
    /// <returns>The page size that such a state must have, or null when there is no use for one.</returns>
    /// <exception cref="DatabaseException">SQLite refused something; transient when the database was busy.</exception>
    public static PageSize? FindWantOfBase(CapturedDatabase database)
    {
        if (database.HasBase || database.ReplicaTxid.IsNone || !database.TryOpen())
        {
            return null;
        }

        var reader = database.Live!.Free;
        try
        {
            reader.BeginRead();
            var (decision, snapshot) = Observe(database, reader);
            return decision is CaptureDecision.FirstImage or CaptureDecision.Heal ? snapshot?.PageSize ?? reader.PageSize : null;
        }
        finally
        {
            reader.Rollback();
        }
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
            var (decision, snapshot) = Observe(database, reader);
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

    private static (CaptureDecision Decision, WalIndexHeader? Snapshot) Observe(CapturedDatabase database, DatabaseConnection reader)
    {
        var snapshot = reader.GetSnapshot();
        var holdsPosition = database.Position is { } position
            && snapshot is { FrameCount: > 0 } wal
            && wal.Salts == position.Salts
            && wal.PageSize == position.PageSize
            && wal.FrameCount >= position.Frame
            && HoldsPosition(database, position, wal);
        var seen = new WalObservation(database.Position, snapshot, database.ReplicaTxid, database.GuardIsUninterrupted, holdsPosition);
        return (CaptureDecision.From(seen), snapshot);
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

    private static CaptureResult Idle(CapturedDatabase database)
    {
        if (database.Live!.Guard is null)
        {
            database.Live.HandOver();
            database.GuardIsUninterrupted = true;
        }

        return new CaptureResult(CaptureOutcome.Idle, database.Position!.Txid);
    }

    private static CaptureResult Continue(
        CapturedDatabase database, WalIndexHeader snapshot, uint firstFrame, Func<CaptureResult, bool> goesOn)
    {
        var live = database.Live!;
        var result = FrameCapture.Run(database, live.Free, snapshot, firstFrame);
        while (result.HasMore && goesOn(result))
        {
            result = FrameCapture.Run(database, live.Free, snapshot, database.Position!.Frame + 1);
        }

        if (!result.HasMore)
        {
            live.HandOver();
            database.GuardIsUninterrupted = true;
        }
        else if (live.Guard is null)
        {
            // Better than none, but it stands beyond the position, so it proves nothing.
            live.HandOver();
        }

        return result;
    }

    private static CaptureResult Heal(CapturedDatabase database, WalIndexHeader? snapshot, Discontinuity reason)
    {
        // Often enough nothing has changed: the WAL went into the file when everybody had closed the database, or the state was read from a
        // replica and has no place in any WAL. Then no frame is forced, which would change the database.
        var end = snapshot is { FrameCount: > 0 } ? snapshot : null;
        var isWorthALook = end is null || database.Position!.IsOutsideOfWal;
        return isWorthALook && database.HasBase && ImageCapture.TryRunUnchanged(database, end, reason) is { } unchanged
            ? unchanged
            : Image(database, reason);
    }

    private static CaptureResult Image(CapturedDatabase database, Discontinuity? reason)
    {
        database.Live!.Free.Rollback();
        return ImageCapture.Run(database, reason);
    }
}
