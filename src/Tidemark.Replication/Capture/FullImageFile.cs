using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Capture;

/// <summary>Writes an image to the spool: a file with every page of the database.</summary>
/// <remarks>From TXID 1 on it is a snapshot, with which a restore begins. From a later TXID on it continues what ends before that, whatever
/// state that is, since it replaces every page.</remarks>
internal static class FullImageFile
{
    /// <summary>Writes what the guard sees.</summary>
    /// <param name="database">The database, whose guard holds <paramref name="snapshot"/> inside the WAL.</param>
    /// <param name="wal">Its WAL.</param>
    /// <param name="snapshot">The end of the WAL.</param>
    /// <param name="name">The first TXID that the image stands for, and the capture that leads to this state.</param>
    /// <param name="checksum">What the pages must add up to, or null when it is not known yet.</param>
    /// <exception cref="WalMismatchException">The pages do not add up to <paramref name="checksum"/>.</exception>
    public static void Write(
        CapturedDatabase database, WalFile wal, WalIndexHeader snapshot, LtxFileName name, DatabaseChecksum? checksum)
    {
        var scan = new ImageScan(database.Live!.Guard, wal, snapshot);
        database.Spool.Publish(Spool.Images, (content, overflow) =>
        {
            var header = ImageScan.HeaderOf(database, snapshot, name);
            using var writer = new LtxWriter(content, header, overflow, database.Settings.Parallelism);
            using var batch = new PageBatch(snapshot.PageSize);
            var checksums = new ulong[batch.Capacity];
            var sum = DatabaseChecksum.Empty;
            while (scan.ReadNext(batch))
            {
                database.Live.ThrowIfChanged();
                sum = ImageScan.Sum(batch, checksums, sum);
                batch.WriteTo(writer);
            }

            if (checksum is { } expected && expected != sum)
            {
                throw new WalMismatchException(
                    database.Live.WalPath,
                    snapshot.FrameCount,
                    $"leads to a database with checksum {sum}, though the captures add up to {expected}");
            }

            writer.Complete(header with { Proof = new LtxProof(null, sum) });
            return name;
        });
    }
}
