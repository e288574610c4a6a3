namespace Tidemark.Replication.Checkpoints;

/// <summary>When the WAL is copied into the database file, and when it starts over. A pure function of what is seen.</summary>
/// <param name="Pages">The WAL starts over when it has grown by this many frames, at least 1.</param>
/// <param name="Interval">Fewer frames are copied after this time. Zero or less: never.</param>
internal sealed record CheckpointPolicy(uint Pages, TimeSpan Interval)
{
    /// <summary>Decides. A WAL that a reader pins is tried again after as many frames more, or after the interval, not at every
    /// capture.</summary>
    public CheckpointAction Decide(in CheckpointObservation seen)
    {
        var isGrown = seen.FramesInWal >= Pages && seen.FramesInWal - seen.FramesAtLastAttempt >= Pages;
        var isOld = Interval > TimeSpan.Zero && seen.SinceLastAttempt >= Interval;
        return seen switch
        {
            { FramesInWal: 0 } => CheckpointAction.None,
            _ when isGrown => CheckpointAction.Seal,
            _ when isOld && seen.FramesInWal >= Pages => CheckpointAction.Seal,
            _ when isOld && (seen.FramesInWal > seen.FramesAtLastAttempt || seen.WasIncomplete) => CheckpointAction.Drain,
            _ => CheckpointAction.None,
        };
    }
}
