using Tidemark.Formats;
using Tidemark.Formats.Database;

namespace Tidemark.Replication.Capture;

/// <summary>A new table of page checksums, made by reading every page of the database once.</summary>
/// <param name="table">The table, which lies beside the old one until the position moves on.</param>
/// <param name="checksum">Its sum.</param>
internal sealed class ChecksumRebuild(PageChecksums table, DatabaseChecksum checksum) : IDisposable
{
    public PageChecksums Table { get; } = table;

    public DatabaseChecksum Checksum { get; } = checksum;

    /// <summary>Reads the database as <paramref name="scan"/> sees it.</summary>
    public static ChecksumRebuild Run(CapturedDatabase database, ImageScan scan, PageSize pageSize)
    {
        var table = database.Spool.CreatePageChecksums(pageSize);
        try
        {
            using var batch = new PageBatch(pageSize);
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
