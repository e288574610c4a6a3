namespace Tidemark.Replication.Capture;

/// <summary>The words for each <see cref="AbandonedWal"/>.</summary>
internal static class AbandonedWalText
{
    /// <summary>What was done, as a sentence without its full stop.</summary>
    public static string Describe(AbandonedWal wal) => wal switch
    {
        AbandonedWal.Copied => "What was in its WAL was copied into the file that it belongs to, and the WAL removed",
        AbandonedWal.MovedAway => "The WAL of what was there before was moved to the spool as 'replaced-wal', so that it is not replayed into another file",
        AbandonedWal.Removed => "The WAL of what was there before, all of which is captured, was removed, so that it is not replayed into another file",
        AbandonedWal.NotOurs => "The WAL beside it holds what was not captured yet, and was left alone",
        _ => "Nothing was written to its files",
    };
}
