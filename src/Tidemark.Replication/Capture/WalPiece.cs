using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Capture;

/// <summary>A run of whole transactions in the WAL, verified.</summary>
/// <param name="FirstFrame">Its first frame.</param>
/// <param name="LastFrame">Its last frame, which is a commit.</param>
/// <param name="PageCount">Size of the database in pages after it.</param>
/// <param name="Checksum">Running checksum of the last frame.</param>
internal readonly record struct WalPiece(uint FirstFrame, uint LastFrame, uint PageCount, WalChecksum Checksum)
{
    /// <summary>How many frames.</summary>
    public uint FrameCount => LastFrame - FirstFrame + 1;
}
