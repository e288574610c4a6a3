namespace Tidemark.Replication.Checkpoints;

/// <summary>What decides whether a checkpoint is due.</summary>
/// <param name="FramesInWal">Captured frames in this run of the WAL; 0 when it was sealed and no writer has started a new one yet.</param>
/// <param name="FramesAtLastAttempt">How many there were when a checkpoint of this run was last tried; 0 when none was.</param>
/// <param name="WasIncomplete">Whether that attempt left frames behind, because a reader was in the way.</param>
/// <param name="SinceLastAttempt">How long ago a checkpoint was last tried.</param>
internal readonly record struct CheckpointObservation(uint FramesInWal, uint FramesAtLastAttempt, bool WasIncomplete, TimeSpan SinceLastAttempt);
