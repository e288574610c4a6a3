using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;
using Tidemark.Replicas.Catalog;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Capture;

/// <summary>Writes new frames of the WAL as one level-0 file and moves the position to their end.</summary>
internal static class FrameCapture
{
    /// <summary>Captures whole transactions from <paramref name="firstFrame"/> on, up to the snapshot or the bound on one
    /// capture.</summary>
    /// <param name="database">The database; its position ends right before <paramref name="firstFrame"/>, or at the end of a WAL that was
    /// restarted since.</param>
    /// <param name="connection">A connection in a read transaction, at <paramref name="snapshot"/> or before it, that keeps the frames in
    /// place.</param>
    /// <param name="snapshot">The end of the WAL.</param>
    /// <param name="firstFrame">The first frame that is not captured.</param>
    /// <exception cref="WalMismatchException">The frames are not what SQLite committed. Nothing was written.</exception>
    public static CaptureResult Run(CapturedDatabase database, DatabaseConnection connection, WalIndexHeader snapshot, uint firstFrame)
    {
        using var staged = Stage(database, connection, snapshot, firstFrame);
        return staged.Complete();
    }

    /// <summary>Does the same up to the point from which on the disk is waited for.</summary>
    public static StagedCapture Stage(CapturedDatabase database, DatabaseConnection connection, WalIndexHeader snapshot, uint firstFrame)
    {
        var position = database.Position!;
        using var wal = WalFile.Open(database.Files, database.Live!.WalPath, snapshot);
        var map = new WalPageMap();
        var before = firstFrame == 1 ? wal.Header.Checksum : position.FrameChecksum!.Value;
        var piece = wal.Scan(firstFrame, before, snapshot.FrameCount, database.Settings.BytesMax, map);
        map.Seal(piece.PageCount, snapshot.PageSize.LockPage);
        var isWhole = piece.LastFrame == snapshot.FrameCount;
        if (isWhole)
        {
            wal.CheckEnd(piece, snapshot);
        }

        // Without page checksums the proof starts anew, from the state of the snapshot; so only where this capture leads to it.
        var rebuilt = database.Checksums is null && isWhole
            ? ChecksumRebuild.Run(database, new ImageScan(connection, wal, snapshot), snapshot.PageSize)
            : null;
        var changes = new PageChanges(database.Checksums, position);
        StagedCapture? staged = null;
        try
        {
            return staged = Write(database, connection, wal, map, piece, changes, rebuilt, hasMore: !isWhole);
        }
        finally
        {
            if (staged is null)
            {
                changes.Dispose();
                rebuilt?.Dispose();
            }
        }
    }

    private static StagedCapture Write(
        CapturedDatabase database,
        DatabaseConnection connection,
        WalFile wal,
        WalPageMap map,
        WalPiece piece,
        PageChanges changes,
        ChecksumRebuild? rebuilt,
        bool hasMore)
    {
        var (pageSize, salts) = (wal.Header.PageSize, wal.Header.Salts);
        var after = default(DatabaseChecksum?);
        var pageCount = 0L;
        var txid = database.NextTxid;
        var file = database.Spool.Stage(Level.Captured, (content, overflow) =>
        {
            var header = new LtxHeader
            {
                PageSize = pageSize,
                Commit = piece.PageCount,
                MinTxid = txid,
                MaxTxid = txid,
                TimestampMs = database.Time.GetUtcNow().ToUnixTimeMilliseconds(),
                WalOffset = WalFrameHeader.OffsetOf(piece.FirstFrame, pageSize),
                WalSize = piece.FrameCount * (long)WalFrameHeader.FrameSize(pageSize),
                WalSalts = salts,
                Lineage = database.Lineage,
            };
            using var writer = new LtxWriter(content, header, overflow, database.Settings.Parallelism);
            WritePages(writer, changes, connection, wal, map, database.Position!.PageCount, piece.PageCount);
            changes.Truncate(piece.PageCount);
            after = rebuilt?.Checksum ?? changes.After;
            pageCount = writer.PageCount;
            writer.Complete(header with { Proof = new LtxProof(changes.Before, after) });
            return new LtxFileName(txid, txid);
        });
        var reached = new Position(txid, pageSize, piece.PageCount, salts, piece.LastFrame, piece.Checksum, after, database.Lineage);
        return new StagedCapture(
            database, file!, changes, rebuilt, reached, new CaptureResult(CaptureOutcome.Frames, txid, pageCount) { HasMore = hasMore });
    }

    private static void WritePages(
        LtxWriter writer,
        PageChanges changes,
        DatabaseConnection connection,
        WalFile wal,
        WalPageMap map,
        uint oldPageCount,
        uint newPageCount)
    {
        var pageSize = wal.Header.PageSize;
        using var batch = new PageBatch(pageSize);
        var frames = new uint[batch.Capacity];
        foreach (var (pageNumber, frame) in PagesToWrite(map, oldPageCount, newPageCount, pageSize.LockPage))
        {
            frames[batch.Count] = frame;
            batch.Add(pageNumber);
            if (batch.IsFull)
            {
                Fill(batch, frames, connection, wal);
                Write();
            }
        }

        Fill(batch, frames, connection, wal);
        Write();

        void Write()
        {
            for (var i = 0; i < batch.Count; i++)
            {
                changes.Add(batch.Numbers[i], batch.Pages(i, 1));
            }

            batch.WriteTo(writer);
        }
    }

    // Pages with a frame, and when the database grows, every page that is new: a file that lacked one would leave a hole. Frame 0 stands
    // for the database file.
    private static IEnumerable<(uint PageNumber, uint Frame)> PagesToWrite(
        WalPageMap map, uint oldPageCount, uint newPageCount, uint lockPage)
    {
        var index = 0;
        for (; index < map.Count && map[index].PageNumber <= oldPageCount; index++)
        {
            yield return map[index];
        }

        for (var page = oldPageCount + 1L; page <= newPageCount; page++)
        {
            if (index < map.Count && map[index].PageNumber == page)
            {
                yield return map[index++];
            }
            else if (page != lockPage)
            {
                yield return ((uint)page, 0);
            }
        }
    }

    // Reads runs of consecutive frames, or of consecutive pages of the database file, with one call each.
    private static void Fill(PageBatch batch, uint[] frames, DatabaseConnection connection, WalFile wal)
    {
        for (var first = 0; first < batch.Count;)
        {
            var end = first + 1;
            if (frames[first] == 0)
            {
                while (end < batch.Count && frames[end] == 0 && batch.Numbers[end] == batch.Numbers[end - 1] + 1)
                {
                    end++;
                }

                connection.ReadFile(wal.Header.PageSize.OffsetOf(batch.Numbers[first]), batch.Pages(first, end - first));
            }
            else
            {
                while (end < batch.Count && frames[end] == frames[end - 1] + 1)
                {
                    end++;
                }

                wal.ReadPages(frames[first], batch.Pages(first, end - first));
            }

            first = end;
        }
    }
}
