using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Retention;

/// <summary>Which snapshots go, and what with them.</summary>
/// <param name="Deletions">The snapshots to delete, oldest first.</param>
/// <param name="Floor">TXID of the oldest one that is needed, or null while history reaches no further back than is promised.</param>
/// <param name="RecheckAt">When the next one leaves the time that is promised.</param>
internal readonly record struct SnapshotExpiry(IReadOnlyList<LtxFileInfo> Deletions, Txid? Floor, DateTimeOffset? RecheckAt)
{
    /// <summary>Decides.</summary>
    /// <param name="snapshots">Files from the first TXID on, by last TXID.</param>
    /// <param name="now">The present.</param>
    /// <param name="options">What is promised.</param>
    /// <remarks>
    /// Kept are the snapshots of the promised time and, unlike in Litestream, the last one before it: without that one, the moments between
    /// the beginning of that time and its first snapshot could not be restored, with the defaults up to a whole day. As long as there is no
    /// such snapshot, captures and compacted files alone lead to those moments, so nothing is given up.
    /// </remarks>
    public static SnapshotExpiry From(IReadOnlyList<LtxFileInfo> snapshots, DateTimeOffset now, RetentionOptions options)
    {
        DateTimeOffset LeavesAt(LtxFileInfo file) => FileAge.Reaches(file.Created, options.SnapshotRetention, options.L0Retention);

        var recheckAt = snapshots.Select(LeavesAt).Where(time => time > now).Select(time => (DateTimeOffset?)time).Min();
        if (snapshots.Where(file => LeavesAt(file) <= now).Select(file => (Txid?)file.MaxTxid).LastOrDefault() is not { } start)
        {
            return new SnapshotExpiry([], null, recheckAt);
        }

        // Of two snapshots whose times contradict their order, either may be the one with the wrong time: the lower one is the floor. A
        // time in the future is surely wrong, and tells nothing.
        var floor = snapshots.First(file => file.MaxTxid == start || (LeavesAt(file) > now && file.Created <= now)).MaxTxid;
        return new SnapshotExpiry([.. snapshots.TakeWhile(file => file.MaxTxid < floor)], floor, recheckAt);
    }
}
