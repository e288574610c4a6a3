using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Capture;

/// <summary>Where capture stands: the last TXID in the spool, and the place in the WAL up to which it holds everything.</summary>
/// <param name="Txid">The newest capture.</param>
/// <param name="PageSize">Size of the database's pages.</param>
/// <param name="PageCount">Size of the database in pages after that capture.</param>
/// <param name="Salts">Salts of the WAL that it was taken from.</param>
/// <param name="Frame">Last captured frame of that WAL.</param>
/// <param name="FrameChecksum">Running checksum of that frame, or null when it is not known any more: then the WAL cannot prove that it
/// continues here.</param>
/// <param name="Checksum">Rolling checksum of the database after that capture, or null when it is not known.</param>
/// <param name="Lineage">What this writer puts into every file.</param>
internal sealed record Position(
    Txid Txid,
    PageSize PageSize,
    uint PageCount,
    WalSalts Salts,
    uint Frame,
    WalChecksum? FrameChecksum,
    DatabaseChecksum? Checksum,
    Lineage Lineage)
{
    /// <summary>Whether the state was read from a replica, so that no place in any WAL belongs to it.</summary>
    public bool IsOutsideOfWal => Frame == 0 && FrameChecksum is null && Salts == default;
}
