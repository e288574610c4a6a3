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
    /// <summary>Captures the database as it is now.</summary>
    /// <param name="database">The database, open.</param>
    /// <param name="reason">Why the WAL does not continue, or null for the first image.</param>
    public static CaptureResult Run(CapturedDatabase database, Discontinuity? reason)
    {
        var live = database.Live!;
        var snapshot = database.BeginGuardInsideWal().End!.Value;
        using var wal = WalFile.Open(database.Files, live.WalPath, snapshot);
        if (database.HistoryPageSize is { } before && before != snapshot.PageSize)
        {
            // Files of different page sizes cannot follow each other, so a restore has to begin with a snapshot that includes this capture.
            SnapshotFile.Write(database, wal, snapshot, database.NextTxid, checksum: null);
        }

        var result = Write(database, wal, snapshot, reason);
        database.GuardIsUninterrupted = true;
        return result;
    }

    /// <summary>Looks whether a database without a WAL is what was captured last, without writing anything, and goes on from there if so.</summary>
    /// <remarks>
    /// The guard reads the database file alone, and nobody can change that while it does: what is committed meanwhile goes to a
    /// new WAL, which cannot be copied into the file under a reader of the file.
    /// </remarks>
    /// <returns>Null when a page differs, or when it is not known what was captured.</returns>
    public static CaptureResult? TryRunUnchanged(CapturedDatabase database)
    {
        var live = database.Live!;
        var position = database.Position!;
        if (database.Checksums is not { } known || position.Checksum is null || live.Guard.ReadPageCount() != position.PageCount)
        {
            return null;
        }

        using var batch = new PageBatch(position.PageSize);
        var expected = new ulong[batch.Capacity];
        for (var page = 1L; page <= position.PageCount; page += batch.Capacity)
        {
            batch.Truncate(0);
            for (var next = page; next <= position.PageCount && !batch.IsFull; next++)
            {
                batch.Add((uint)next);
            }

            known.Read((uint)page, expected.AsSpan(0, batch.Count));
            live.Guard.ReadFile(position.PageSize.OffsetOf((uint)page), batch.Pages(0, batch.Count));
            for (var i = 0; i < batch.Count; i++)
            {
                var isLockPage = batch.Numbers[i] == position.PageSize.LockPage;
                if (!isLockPage && DatabaseChecksum.OfPage(batch.Numbers[i], batch.Pages(i, 1)) != expected[i])
                {
                    return null;
                }
            }
        }

        // The frame of the position is gone with its WAL.
        database.Advance(position with { Frame = 0, FrameChecksum = null }, [], []);
        database.GuardIsUninterrupted = true;
        return new CaptureResult(CaptureOutcome.NoDifference, position.Txid, 0, Discontinuity.WalIsGone);
    }

    private static CaptureResult Write(CapturedDatabase database, WalFile wal, WalIndexHeader snapshot, Discontinuity? reason)
    {
        var scan = new ImageScan(database.Live!.Guard, wal, snapshot);

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
