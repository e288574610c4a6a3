using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Capture;

/// <summary>Finds out from a spool where capture stood when the last process ended, in whatever way it ended.</summary>
/// <remarks>
/// The newest file is durable before anything else moves, so it is the truth about the TXID. The record beside it adds what the file cannot
/// hold, the running checksum of the last frame. It is written after the file and not synced, so:
/// <list type="bullet">
/// <item>record of the newest file: the process ended between captures. It is believed.</item>
/// <item>record of the file before: the process was killed between the two writes. The position follows from the file's header, and the WAL
/// must prove it.</item>
/// <item>no record, and the file is of another program: a spool that is taken over. The same.</item>
/// <item>anything else: the machine lost power, or the spool was tampered with. The WAL cannot prove anything any more, and pages are
/// compared.</item>
/// </list>
/// </remarks>
internal static class PositionRecovery
{
    /// <summary>Reads the position; null when nothing was captured yet.</summary>
    public static Position? Recover(Spool spool, out PositionEvidence? evidence)
    {
        evidence = null;
        var record = spool.ReadPosition();
        var captures = spool.ListCaptures();
        if (captures.Count == 0 || record?.Txid >= captures[^1].MaxTxid)
        {
            return record;
        }

        var newest = captures[^1];
        LtxHeader header;
        try
        {
            header = SpoolFile.Read(spool, newest, static (_, _, _) => { });
        }
        catch (TidemarkException)
        {
            // A file that cannot be read says nothing about the WAL; its name still says which TXIDs are taken.
            return null;
        }

        var isTakenOver = record is null && header.Lineage == Lineage.None;
        var isOneBehind = record is not null && record.Txid.Next() == newest.MinTxid;
        if (header.WalOffset > 0 && (isTakenOver || isOneBehind))
        {
            evidence = new PositionEvidence(newest, record);
        }

        var lastFrame = (header.WalOffset + header.WalSize - WalHeader.Size) / WalFrameHeader.FrameSize(header.PageSize);
        return new Position(
            header.MaxTxid,
            header.PageSize,
            header.Commit,
            header.WalSalts,
            (uint)Math.Max(0, lastFrame),
            null,
            header.Proof.After,
            header.Lineage);
    }

    /// <summary>Opens the table of page checksums if it proves to be that of the position; after a kill it may lack the newest file, which
    /// is then applied.</summary>
    public static PageChecksums? RecoverChecksums(Spool spool, Position position)
    {
        var table = spool.TryOpenPageChecksums(position.PageSize);
        if (table is null || IsOf(table, position))
        {
            return table;
        }

        var captures = spool.ListCaptures();
        if (captures.Count > 0 && captures[^1].MaxTxid == position.Txid)
        {
            try
            {
                SpoolFile.Read(spool, captures[^1], (numbers, _, checksums) => table.Apply(numbers, checksums));
                if (IsOf(table, position))
                {
                    return table;
                }
            }
            catch (TidemarkException)
            {
                // The file is damaged; the table is built again with the next capture.
            }
        }

        table.Dispose();
        return null;
    }

    private static bool IsOf(PageChecksums table, Position position)
        => table.Toggle(DatabaseChecksum.Empty, 1, position.PageCount) == position.Checksum;
}
