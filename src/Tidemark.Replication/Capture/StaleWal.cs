using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Wal;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Capture;

/// <summary>Decides what becomes of the WAL of a database whose files were changed by something other than SQLite.</summary>
/// <remarks>
/// <para>When an application ends and nobody else has its database open, SQLite copies the WAL into the file and removes it. A database that
/// Tidemark has open too keeps its WAL a little longer. Whoever replaces the file in that time relies on there being none: SQLite would
/// replay the old WAL into the new file, or a file that was moved away would lack what is only in its WAL.</para>
/// <para>So what the last one to close would have done is done here, under the locks by which SQLite knows that nobody else has the database
/// open. If the file still holds what it held, its WAL is copied into it. If not, the WAL belongs to what was overwritten, and is moved to
/// the spool, not deleted. Where others have the database open, nothing is touched.</para>
/// </remarks>
internal static class StaleWal
{
    /// <summary>Settles it. The connections are of no use afterwards and must be closed.</summary>
    public static AbandonedWal Settle(CapturedDatabase database, LiveDatabase live, ForeignChange change)
    {
        try
        {
            return Decide(database, live, change);
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            return AbandonedWal.InUse; // What cannot be done is not done; the files stay as they are.
        }
    }

    /// <summary>Removes a WAL that is wholly in the file, as the last one to close does. SQLite leaves it where another file has taken the
    /// place of the database in the last moment, which would then get it.</summary>
    /// <returns>False when somebody else has the database open, or something else is in the way; then SQLite does what can be done when
    /// the connections are closed.</returns>
    public static bool TryRemove(CapturedDatabase database, LiveDatabase live)
    {
        try
        {
            if (!live.IsWalWhollyCopied || !live.TryKeepFromOthers() || !live.IsWalInPlace() || !live.IsWalWhollyCopied || !IsAsKnown(database, live))
            {
                return false;
            }

            Remove(database, live, isEmptied: false);
            return true;
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static AbandonedWal Decide(CapturedDatabase database, LiveDatabase live, ForeignChange change)
    {
        // Beside a second WAL, a frame that was forced here is of the past, and nothing of an application is in ours.
        var hasSecondWal = change == ForeignChange.HasSecondWal || (live.IsUsedByOthers == true && live.HoldsOnlyOwnFrames);
        if (!database.Settings.HasProcessToItself || !(hasSecondWal ? live.TryKeepIndexFromOthers() : live.TryKeepFromOthers()))
        {
            return AbandonedWal.InUse;
        }

        if (live.IsWalInPlace() ? !IsAsKnown(database, live) : database.Files.FileExists(live.WalPath))
        {
            return AbandonedWal.NotOurs;
        }

        // Others copy another WAL into the same file, so what is in this one is of the past.
        var content = hasSecondWal ? FileChange.Certain : live.CompareContent();
        if (content == FileChange.Unknown)
        {
            var wasTouched = live.WasTouched(); // Before it is read.
            content = HoldsWhatItHeld(database, live) ?? wasTouched ? FileChange.None : FileChange.Certain;
        }

        // What is not captured may have been written to the new file, by an application that came and went in no time.
        var isElsewhere = change is ForeignChange.DatabaseWasReplaced or ForeignChange.DatabaseIsGone;
        if ((content != FileChange.None || isElsewhere) && !IsCaptured(database, live) && (hasSecondWal || !live.IsWalOlderThanChange()))
        {
            return AbandonedWal.NotOurs;
        }

        if (content == FileChange.None && !live.Guard.CheckpointPassive().IsComplete)
        {
            return AbandonedWal.NotOurs;
        }

        var isKept = content != FileChange.None && TryKeepInSpool(database, live);
        if (content != FileChange.None && !isKept && !IsCaptured(database, live))
        {
            return AbandonedWal.NotOurs;
        }

        Remove(database, live, isEmptied: hasSecondWal || isElsewhere);
        return content == FileChange.None ? AbandonedWal.Copied : isKept ? AbandonedWal.MovedAway : AbandonedWal.Removed;
    }

    private static bool IsCaptured(CapturedDatabase database, LiveDatabase live)
        => live.Guard.TryReadNewest() is { } newest
            && (newest.FrameCount == 0
                || live.HoldsOnlyOwnFrames
                || (database.Position is { } position && newest.End is { } end && end.Salts == position.Salts && end.FrameCount <= position.Frame));

    // The WAL holds what the index knows, and no more: somebody may have put back one that belongs to the new file; and one whose index was
    // deleted may have been written by an application that has made an index of its own.
    private static bool IsAsKnown(CapturedDatabase database, LiveDatabase live)
    {
        if (live.Guard.TryReadNewest() is not { } newest)
        {
            return false;
        }

        if (newest.End is not { FrameCount: > 0 } end)
        {
            return database.Files.TryGetFacts(live.WalPath) is { SizeBytes: <= WalHeader.Size };
        }

        try
        {
            using var wal = WalFile.Open(database.Files, live.WalPath, end);
            var piece = wal.Scan(1, wal.Header.Checksum, end.FrameCount, long.MaxValue, new WalPageMap());
            wal.CheckEnd(piece, end);
            return !wal.GoesOnAfter(piece);
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Every page of which it is known what the file must hold: from the WAL, if it was copied, or else from the table. Null where there is
    // none.
    private static bool? HoldsWhatItHeld(CapturedDatabase database, LiveDatabase live)
    {
        if (database.Position is not { Checksum: not null } position
            || database.Checksums is not { } known
            || live.Guard.TryReadIndexState() is not { } state
            || live.Guard.TryReadNewest() is not { } newest)
        {
            return false;
        }

        try
        {
            using var wal = newest.End is { FrameCount: > 0 } end ? WalFile.Open(database.Files, live.WalPath, end) : null;
            var frames = ReadMap(wal, newest.FrameCount, position);
            return newest.End is null or { FrameCount: 0 } || newest.End.Value.FrameCount >= position.Frame
                ? IsSame(live.Guard, known, position, wal, frames, state.Copied)
                : false;
        }
        catch (Exception e) when (e is TidemarkException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static WalPageMap ReadMap(WalFile? wal, uint frameCount, Position position)
    {
        var map = new WalPageMap();
        if (wal is not null)
        {
            _ = wal.Scan(1, wal.Header.Checksum, frameCount, long.MaxValue, map);
            map.Seal(uint.MaxValue, position.PageSize.LockPage);
        }

        return map;
    }

    private static bool? IsSame(
        DatabaseConnection connection, PageChecksums known, Position position, WalFile? wal, WalPageMap frames, uint copied)
    {
        var scan = new ImageScan(connection, position.PageSize, position.PageCount);
        using var batch = new PageBatch(position.PageSize);
        var (checksums, expected) = (new ulong[batch.Capacity], new ulong[batch.Capacity]);
        var page = new byte[position.PageSize.Bytes];
        var (next, compared) = (0, 0);
        while (scan.ReadNext(batch))
        {
            known.Read(batch.Numbers[0], expected.AsSpan(0, batch.Count));
            _ = ImageScan.Sum(batch, checksums, DatabaseChecksum.Empty);
            for (var i = 0; i < batch.Count; i++)
            {
                while (next < frames.Count && frames[next].PageNumber < batch.Numbers[i])
                {
                    next++;
                }

                if (next == frames.Count || frames[next].PageNumber != batch.Numbers[i])
                {
                    if (checksums[i] != expected[i])
                    {
                        return false;
                    }

                    compared++;
                }
                else if (frames[next].Frame <= copied)
                {
                    wal!.ReadPages(frames[next].Frame, page);
                    if (!batch.Pages(i, 1).SequenceEqual(page))
                    {
                        return false;
                    }

                    compared++;
                }
            }
        }

        return compared > 0 ? true : null; // A WAL that holds every page says nothing of the file.
    }

    // Under the lock of the database file, nobody can be about to open the WAL. Where others lock another file, somebody may have opened it a
    // moment ago, and writes to it later: then it must keep its name, and is emptied.
    private static void Remove(CapturedDatabase database, LiveDatabase live, bool isEmptied)
    {
        if (live.IsWalInPlace())
        {
            if (isEmptied)
            {
                using var wal = database.Files.Open(live.WalPath, FileMode.Open, FileAccess.ReadWrite);
                wal.SetLength(0);
                return; // Without a WAL, whoever comes next makes the index anew.
            }

            database.Files.Delete(live.WalPath);
        }

        if (!isEmptied && live.IsIndexInPlace())
        {
            database.Files.Delete(live.ShmPath);
        }
    }

    private static bool TryKeepInSpool(CapturedDatabase database, LiveDatabase live)
    {
        if (!live.IsWalInPlace() || database.Files.TryGetFacts(live.WalPath) is not { SizeBytes: > 0 })
        {
            return true;
        }

        try
        {
            using var wal = database.Files.Open(live.WalPath, FileMode.Open, FileAccess.Read);
            database.Spool.KeepReplacedWal(wal);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // The disk is full.
        }
    }
}
