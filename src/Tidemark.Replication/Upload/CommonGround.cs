using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Restore;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Whether a database has anything in common with a state that was read from a replica, before it takes over a history that its
/// spool does not know.</summary>
/// <remarks>
/// <para>They have if one page in a hundred is the same at the same number. Pages that are as good as empty do not count, nor does the first
/// one: its header changes all the time, and the schema in it is that of every database of the same application. Where both are so small that a
/// few changes touch every page, the same schema is enough.</para>
/// <para>A database that was vacuumed, or loaded anew from a dump, while its spool was lost, is refused too; then a person has to
/// say that it is the same.</para>
/// </remarks>
internal static class CommonGround
{
    private const int SmallPages = 64;
    private const int EmptyBytesMax = 16;
    private const int SharePerMille = 10;
    private const int EnoughPages = 1000;

    /// <summary>Compares.</summary>
    /// <param name="database">The database, open and guarded.</param>
    /// <param name="state">The state that was read.</param>
    /// <param name="table">Its page checksums.</param>
    /// <param name="firstPage">Its first page.</param>
    public static bool Exists(CapturedDatabase database, ReplicaState state, PageChecksums table, ReadOnlySpan<byte> firstPage)
    {
        var guard = database.Live!.Guard;
        if (database.EnsureGuard().End is { FrameCount: > 0 } end)
        {
            using var wal = WalFile.Open(database.Files, database.Live.WalPath, end);
            return Exists(new ImageScan(guard, wal, end), end.PageSize, end.PageCount, state, table, firstPage);
        }

        return guard.ReadPageCount() is not { } pageCount
            || Exists(new ImageScan(guard, guard.PageSize, pageCount), guard.PageSize, pageCount, state, table, firstPage);
    }

    private static bool Exists(
        ImageScan scan, PageSize pageSize, uint pageCount, ReplicaState state, PageChecksums table, ReadOnlySpan<byte> firstPage)
    {
        using var batch = new PageBatch(pageSize);
        var (checksums, expected) = (new ulong[batch.Capacity], new ulong[batch.Capacity]);
        var (compared, same) = (0L, 0L);
        var isSmall = Math.Max(pageCount, state.PageCount) <= SmallPages;
        while (scan.ReadNext(batch) && batch.Numbers[0] <= state.PageCount)
        {
            table.Read(batch.Numbers[0], expected.AsSpan(0, batch.Count));
            _ = ImageScan.Sum(batch, checksums, DatabaseChecksum.Empty);
            for (var i = 0; i < batch.Count && batch.Numbers[i] <= state.PageCount; i++)
            {
                var page = batch.Pages(i, 1);
                if (batch.Numbers[i] == 1)
                {
                    if (isSmall && page[DatabaseHeader.Size..].SequenceEqual(firstPage[DatabaseHeader.Size..]))
                    {
                        return true;
                    }
                }
                else if (page.Length - page.Count((byte)0) > EmptyBytesMax)
                {
                    compared++;
                    same += checksums[i] == expected[i] ? 1 : 0;
                }
            }

            if (compared >= EnoughPages && IsEnough(same, compared))
            {
                return true; // What is known by now need not be read to its end.
            }
        }

        return same > 0 && IsEnough(same, compared);
    }

    private static bool IsEnough(long same, long compared) => same * 1000 >= compared * SharePerMille;
}
