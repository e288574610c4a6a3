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
        if (!database.Settings.HasProcessToItself || change == ForeignChange.HasSecondWal || !live.TryKeepFromOthers())
        {
            return AbandonedWal.InUse;
        }

        var content = live.CompareContent();
        if (content == FileChange.Unknown)
        {
            content = HoldsWhatItHeld(database, live) ? FileChange.None : FileChange.Certain;
        }

        if (content == FileChange.None)
        {
            return live.Guard.CheckpointPassive().IsComplete && TryRemove(database, live, Discard)
                ? AbandonedWal.Copied
                : AbandonedWal.NotOurs;
        }

        return TryRemove(database, live, MoveToSpool) ? AbandonedWal.MovedAway : AbandonedWal.NotOurs;
    }

    // Every page of which it is known what the file must hold: from the WAL, if it was copied, or else from the table.
    private static bool HoldsWhatItHeld(CapturedDatabase database, LiveDatabase live)
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
        catch (Exception e) when (e is WalMismatchException or IOException or TidemarkException)
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

    private static bool IsSame(
        DatabaseConnection connection, PageChecksums known, Position position, WalFile? wal, WalPageMap frames, uint copied)
    {
        var scan = new ImageScan(connection, position.PageSize, position.PageCount);
        using var batch = new PageBatch(position.PageSize);
        var (checksums, expected) = (new ulong[batch.Capacity], new ulong[batch.Capacity]);
        var page = new byte[position.PageSize.Bytes];
        var next = 0;
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
                }
                else if (frames[next].Frame <= copied)
                {
                    wal!.ReadPages(frames[next].Frame, page);
                    if (!batch.Pages(i, 1).SequenceEqual(page))
                    {
                        return false;
                    }
                }
            }
        }

        return true;
    }

    // Only the very files that are open here, and only with the content that SQLite's index knows: somebody may have put back a WAL that
    // belongs to the new file.
    private static bool TryRemove(CapturedDatabase database, LiveDatabase live, Action<CapturedDatabase, string> remove)
    {
        if (live.IsWalInPlace())
        {
            if (!HoldsOurRun(database, live))
            {
                return false;
            }

            remove(database, live.WalPath);
        }
        else if (database.Files.FileExists(live.WalPath))
        {
            return false;
        }

        if (live.IsIndexInPlace())
        {
            database.Files.Delete(live.ShmPath);
        }

        return true;
    }

    private static bool HoldsOurRun(CapturedDatabase database, LiveDatabase live)
    {
        Span<byte> bytes = stackalloc byte[WalHeader.Size];
        using var file = database.Files.Open(live.WalPath, FileMode.Open, FileAccess.Read);
        var count = file.Read(0, bytes);
        return count == 0
            || (WalHeader.TryRead(bytes[..count], out var header) == WalFault.None
                && live.Guard.TryReadNewest()?.End is { } end
                && header.Salts == end.Salts);
    }

    private static void Discard(CapturedDatabase database, string walPath) => database.Files.Delete(walPath);

    private static void MoveToSpool(CapturedDatabase database, string walPath)
    {
        if (database.Files.TryGetFacts(walPath) is { SizeBytes: > 0 })
        {
            try
            {
                database.Files.Move(walPath, database.Spool.ReplacedWalPath);
                return;
            }
            catch (IOException)
            {
                // The spool is on another disk. What the WAL holds is captured up to the position.
            }
        }

        database.Files.Delete(walPath);
    }
}
