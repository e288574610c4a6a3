using Tidemark.Formats.Wal;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Audit;

/// <summary>Which frame of the WAL holds the newest version of each page, kept from one piece of an audit to the next.</summary>
/// <remarks>So each frame is verified once, and not once for each piece: a WAL that somebody has pinned may be larger than many pieces.
/// Eight bytes a page, as long as the audit goes on. Not thread-safe.</remarks>
internal sealed class AuditFrames
{
    private WalPageMap _map = new();
    private WalSalts _run;
    private uint _frame;
    private WalChecksum _checksum;

    /// <summary>The map of all frames up to <paramref name="end"/>, those that are new verified.</summary>
    /// <param name="wal">The WAL, which a read transaction keeps in its place.</param>
    /// <param name="end">Its end.</param>
    /// <exception cref="WalMismatchException">The WAL is not what SQLite says.</exception>
    public WalPageMap ReadUpTo(WalFile wal, in WalIndexHeader end)
    {
        if (_frame == 0 || _run != end.Salts || _frame > end.FrameCount)
        {
            (_map, _run, _frame, _checksum) = (new WalPageMap(), end.Salts, 0, wal.Header.Checksum);
        }

        if (_frame < end.FrameCount)
        {
            var (first, checksum) = (_frame + 1, _checksum);
            _frame = 0; // What is half read says nothing.
            var piece = wal.Scan(first, checksum, end.FrameCount, long.MaxValue, _map);
            wal.CheckEnd(piece, end);

            // Nothing is left out for the size that the database has now: it may grow again.
            _map.Seal(uint.MaxValue, end.PageSize.LockPage);
            (_frame, _checksum) = (piece.LastFrame, piece.Checksum);
        }

        return _map;
    }
}
