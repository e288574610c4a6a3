using Tidemark.Formats.Database;

namespace Tidemark.Replication.Capture;

/// <summary>Compares some pages of the database file with what was captured, where a whole comparison would take too long.</summary>
/// <remarks>
/// A copy over the file that begins while Tidemark copies the last frames into it leaves a mixture whose stamp is believed to be that of the
/// checkpoint. Of another database, nearly every page tells it.
/// </remarks>
internal static class SampleComparison
{
    private const uint PagesMax = 256;

    /// <summary>Whether the file holds what was captured, as far as the sample tells. Only where all of the WAL is captured and in the file,
    /// and no other process has the database open.</summary>
    public static bool HoldsWhatWasCaptured(CapturedDatabase database)
    {
        if (database.Live is not { IsWalWhollyCopied: true, IsUsedByOthers: false } live
            || database.Position is not { Checksum: not null } position
            || database.Checksums is not { } known
            || live.ReadNewest().End is not { } end
            || end.Salts != position.Salts
            || end.FrameCount != position.Frame)
        {
            return true; // It cannot be told.
        }

        var step = Math.Max(1, position.PageCount / PagesMax);
        var page = new byte[position.PageSize.Bytes];
        Span<ulong> expected = stackalloc ulong[1];
        for (var number = 1 + (long)(position.Txid.Value % step); number <= position.PageCount; number += step)
        {
            if (number == position.PageSize.LockPage)
            {
                continue;
            }

            known.Read((uint)number, expected);
            live.Guard.ReadFile(position.PageSize.OffsetOf((uint)number), page);
            if (DatabaseChecksum.OfPage((uint)number, page) != expected[0])
            {
                // Somebody who has come meanwhile may have written it.
                return live.IsUsedByOthers != false || live.ReadNewest().End != end;
            }
        }

        return true;
    }
}
