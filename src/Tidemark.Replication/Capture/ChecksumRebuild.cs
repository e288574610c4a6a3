using Tidemark.Formats.Database;
using Tidemark.Formats.Wal;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Capture;

/// <summary>A new table of page checksums, made by reading every page of the database once.</summary>
/// <param name="table">The table, which lies beside the old one until the position moves on.</param>
/// <param name="checksum">Its sum.</param>
internal sealed class ChecksumRebuild(PageChecksums table, DatabaseChecksum checksum) : IDisposable
{
    public PageChecksums Table { get; } = table;

    public DatabaseChecksum Checksum { get; } = checksum;

    /// <summary>Reads the database as <paramref name="connection"/> sees it.</summary>
    public static ChecksumRebuild Run(CapturedDatabase database, DatabaseConnection connection, WalFile wal, WalIndexHeader snapshot)
    {
        var scan = new ImageScan(connection, wal, snapshot);
        var table = database.Spool.CreatePageChecksums(snapshot.PageSize);
        try
        {
            using var batch = new PageBatch(snapshot.PageSize);
            var checksums = new ulong[batch.Capacity];
            var sum = DatabaseChecksum.Empty;
            while (scan.ReadNext(batch))
            {
                sum = ImageScan.Sum(batch, checksums, sum);
                table.Write(batch.Numbers[0], checksums.AsSpan(0, batch.Count));
            }

            return new ChecksumRebuild(table, sum);
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    public void Dispose() => Table.Dispose();
}
