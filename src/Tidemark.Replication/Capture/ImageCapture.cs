using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Capture;

/// <summary>Writes the pages of the whole database as one level-0 file: all of them, or those that differ from the last capture.</summary>
/// <remarks>
/// A resting database has no new frames that would keep its WAL in place while it is read. So the guard begins anew, inside the WAL, and
/// what it sees is captured.
/// </remarks>
internal static class ImageCapture
{
    // Somebody commits so fast that it cannot be told which frames are in the file. Then all are taken from the WAL.
    private const int AttemptsMax = 3;

    /// <summary>Captures the database as it is now.</summary>
    /// <param name="database">The database, open.</param>
    /// <param name="reason">Why the WAL does not continue, or null for the first image.</param>
    public static CaptureResult Run(CapturedDatabase database, Discontinuity? reason)
    {
        var live = database.Live!;
        var snapshot = database.BeginGuardInsideWal().End!.Value;
        var framesInFile = live.Guard.CountFramesInFile();
        for (var attempt = 1; framesInFile is null && attempt < AttemptsMax; attempt++)
        {
            snapshot = database.BeginGuardInsideWal().End!.Value;
            framesInFile = live.Guard.CountFramesInFile();
        }

        using var wal = WalFile.Open(database.Files, live.WalPath, snapshot);
        if (database.HistoryPageSize is { } before && before != snapshot.PageSize)
        {
            // Files of different page sizes cannot follow each other, so a restore has to begin with a snapshot that includes this capture.
            FullImageFile.Write(database, wal, snapshot, new LtxFileName(Txid.First, database.NextTxid), checksum: null);
        }

        var result = Write(database, wal, snapshot, framesInFile ?? 0, reason);
        database.GuardIsUninterrupted = true;
        return result;
    }

    /// <summary>Looks whether a database is what was captured last, without writing anything, and goes on from there if so.</summary>
    /// <remarks>
    /// <para>The guard stands at <paramref name="snapshot"/>. Where that is null it sees the database file alone, and nobody can
    /// change that while it does: what is committed meanwhile goes to a new WAL, which cannot be copied into the file under a reader of the
    /// file.</para>
    /// <para>Otherwise it may stand inside the WAL, which then stays; or at mark 0, since all of the WAL is in the file. Then a writer may
    /// start the WAL over, and what was read of it counts only if that has not happened.</para>
    /// </remarks>
    /// <param name="database">The database.</param>
    /// <param name="snapshot">The end of the WAL, or null while it holds no transaction.</param>
    /// <param name="reason">Why the WAL does not continue.</param>
    /// <returns>Null when a page differs, or when it is not known what was captured.</returns>
    public static CaptureResult? TryRunUnchanged(CapturedDatabase database, WalIndexHeader? snapshot, Discontinuity reason)
    {
        var live = database.Live!;
        var position = database.Position!;
        if (database.Checksums is not { } known || position.Checksum is null || live.Guard.ReadPageCount() != position.PageCount)
        {
            return null;
        }

        var isAsLeft = snapshot is null && database.IsAsLeft();
        if (!isAsLeft && !HoldsPages(database, snapshot, known, position))
        {
            return null;
        }

        database.Advance(
            snapshot is { } reached
                ? position with { Salts = reached.Salts, Frame = reached.FrameCount, FrameChecksum = reached.Checksum }
                : position with { Frame = 0, FrameChecksum = null }, // The frame of the position is gone with its WAL.
            [],
            []);
        database.GuardIsUninterrupted = true;
        var outcome = isAsLeft ? CaptureOutcome.AsLeft : CaptureOutcome.NoDifference;
        return new CaptureResult(outcome, position.Txid, 0, reason);
    }

    private static bool HoldsPages(CapturedDatabase database, WalIndexHeader? snapshot, PageChecksums known, Position position)
    {
        var live = database.Live!;
        if (snapshot is not { } end)
        {
            return HoldsPages(new ImageScan(live.Guard, position.PageSize, position.PageCount), known, position);
        }

        try
        {
            using var wal = WalFile.Open(database.Files, live.WalPath, end);
            if (!HoldsPages(new ImageScan(live.Guard, wal, end), known, position))
            {
                return false;
            }

            using var sameWal = WalFile.Open(database.Files, live.WalPath, end);
            return true;
        }
        catch (WalMismatchException)
        {
            return false; // It was started over meanwhile.
        }
    }

    private static bool HoldsPages(ImageScan scan, PageChecksums known, Position position)
    {
        using var batch = new PageBatch(position.PageSize);
        var (checksums, expected) = (new ulong[batch.Capacity], new ulong[batch.Capacity]);
        while (scan.ReadNext(batch))
        {
            known.Read(batch.Numbers[0], expected.AsSpan(0, batch.Count));
            _ = ImageScan.Sum(batch, checksums, DatabaseChecksum.Empty);
            if (!checksums.AsSpan(0, batch.Count).SequenceEqual(expected.AsSpan(0, batch.Count)))
            {
                return false;
            }
        }

        return true;
    }

    private static CaptureResult Write(
        CapturedDatabase database, WalFile wal, WalIndexHeader snapshot, uint framesInFile, Discontinuity? reason)
    {
        var scan = new ImageScan(database.Live!.Guard, wal, snapshot, framesInFile);

        // The table is that of the position. It is no base when the replica went on without us, or when pages have another size.
        var position = database.Position;
        var isBase = reason is not (null or Discontinuity.ReplicaIsAhead) && position?.PageSize == snapshot.PageSize;
        var old = isBase && position?.Checksum is not null ? database.Checksums : null;
        using var table = database.Spool.CreatePageChecksums(snapshot.PageSize);
        var sum = DatabaseChecksum.Empty;
        var written = 0L;
        var txid = database.NextTxid;
        var name = database.Spool.Publish(Level.Captured, (content, overflow) =>
        {
            var header = ImageScan.HeaderOf(database, snapshot, new LtxFileName(txid, txid));
            using var writer = new LtxWriter(content, header, overflow, database.Settings.Parallelism);
            using var batch = new PageBatch(snapshot.PageSize);
            var checksums = new ulong[batch.Capacity];
            var oldChecksums = new ulong[batch.Capacity];
            while (scan.ReadNext(batch))
            {
                database.Live.ThrowIfChanged(); // It may take minutes, in which nobody else looks.
                sum = ImageScan.Sum(batch, checksums, sum);
                table.Write(batch.Numbers[0], checksums.AsSpan(0, batch.Count));
                if (old is not null)
                {
                    KeepDifferent(batch, checksums, oldChecksums, old, position!.PageCount);
                }

                batch.WriteTo(writer);
            }

            written = writer.PageCount;
            if (old is not null && written == 0 && snapshot.PageCount == position!.PageCount)
            {
                return null;
            }

            writer.Complete(header with { Proof = new LtxProof(old is null ? null : position!.Checksum, sum) });
            return new LtxFileName(txid, txid);
        });
        var reached = new Position(
            name?.MaxTxid ?? position!.Txid,
            snapshot.PageSize,
            snapshot.PageCount,
            snapshot.Salts,
            snapshot.FrameCount,
            snapshot.Checksum,
            sum,
            database.Lineage);
        database.Advance(reached, table);
        var outcome = name is null ? CaptureOutcome.NoDifference : old is null ? CaptureOutcome.Image : CaptureOutcome.Difference;
        return new CaptureResult(outcome, reached.Txid, written, reason);
    }

    private static void KeepDifferent(PageBatch batch, ulong[] checksums, ulong[] oldChecksums, PageChecksums old, uint oldPageCount)
    {
        old.Read(batch.Numbers[0], oldChecksums.AsSpan(0, batch.Count));
        var kept = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch.Numbers[i] > oldPageCount || checksums[i] != oldChecksums[i])
            {
                batch.Keep(i, kept++);
            }
        }

        batch.Truncate(kept);
    }
}
