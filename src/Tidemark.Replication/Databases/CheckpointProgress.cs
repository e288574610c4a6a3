namespace Tidemark.Replication.Databases;

/// <summary>What a checkpoint found and did.</summary>
/// <param name="FramesInWal">Frames in the WAL.</param>
/// <param name="FramesCopied">How many of them, from the first on, are in the database file now.</param>
internal readonly record struct CheckpointProgress(uint FramesInWal, uint FramesCopied)
{
    /// <summary>True when every frame is in the database file.</summary>
    public bool IsComplete => FramesCopied == FramesInWal;
}
