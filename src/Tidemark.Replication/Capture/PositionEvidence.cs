using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Capture;

/// <summary>
/// Proves a position whose frame checksum is not known: the frames from which its file was taken must still stand in the WAL, byte for
/// byte.
/// </summary>
/// <param name="Newest">The file of the position.</param>
/// <param name="Previous">The position before it, if one is remembered: then the WAL must still carry its running checksum too.</param>
internal sealed record PositionEvidence(LtxFileName Newest, Position? Previous)
{
    /// <summary>Looks for the proof in the WAL and returns the running checksum at the position, or null when the WAL is another.</summary>
    public WalChecksum? Find(WalFile wal, Spool spool, Position position)
    {
        if (wal.Header.Salts != position.Salts || wal.Header.PageSize != position.PageSize)
        {
            return null;
        }

        if (position.Frame == 0)
        {
            return wal.Header.Checksum;
        }

        if (Previous is { FrameChecksum: { } expected, Frame: > 0 }
            && Previous.Salts == position.Salts
            && wal.TryReadChecksum(Previous.Frame) != expected)
        {
            return null;
        }

        try
        {
            var map = new WalPageMap();
            var piece = wal.Scan(1, wal.Header.Checksum, position.Frame, long.MaxValue, map);
            map.Seal(piece.PageCount, position.PageSize.LockPage);
            return piece.PageCount == position.PageCount && HoldsFile(wal, spool, map, position) ? piece.Checksum : null;
        }
        catch (WalMismatchException)
        {
            return null;
        }
    }

    // Every page of the file that the WAL has a frame for equals its newest frame. A page without a frame came from the database file.
    private bool HoldsFile(WalFile wal, Spool spool, WalPageMap map, Position position)
    {
        var page = new byte[position.PageSize.Bytes];
        var index = 0;
        var isSame = true;
        SpoolFile.Read(spool, Newest, (numbers, pages, _) =>
        {
            for (var i = 0; i < numbers.Length; i++)
            {
                while (index < map.Count && map[index].PageNumber < numbers[i])
                {
                    index++;
                }

                if (index < map.Count && map[index].PageNumber == numbers[i])
                {
                    wal.ReadPages(map[index].Frame, page);
                    isSame &= pages.Slice(i * page.Length, page.Length).SequenceEqual(page);
                }
            }
        });
        return isSame;
    }
}
