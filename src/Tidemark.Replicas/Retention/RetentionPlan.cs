using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Retention;

/// <summary>The files of a replica that no promised restore needs, and when to look again.</summary>
/// <remarks>
/// <para>What is promised, as long as it could be restored before: the latest state; the state at every moment of the last
/// <see cref="RetentionOptions.SnapshotRetention"/>, as exactly as the files that stay allow; every TXID from <see cref="Floor"/> on to
/// which a file leads that stays; and every capture of the last <see cref="RetentionOptions.L0Retention"/>. All of it rests on files that
/// stay, so a run may end after any part of the deletions.</para>
/// <para>A restore of the latest state, or of a moment, finds the compacted files and snapshots of its plan for at least
/// <see cref="RetentionOptions.L0Retention"/>, and the captures of its plan for as long, less the time until they were compacted.</para>
/// <para>Times come from clocks that go back and forth. A time in the future is never a reason to delete, and what contradicts itself is
/// kept until the floor has passed it. So are files that overlap or stand behind a hole. Files on the level of snapshots that are none are
/// neither used nor deleted.</para>
/// </remarks>
public sealed record RetentionPlan
{
    private RetentionPlan(IReadOnlyList<LtxFileInfo> deletions, Txid? floor, DateTimeOffset? recheckAt)
        => (Deletions, Floor, RecheckAt) = (deletions, floor, recheckAt);

    /// <summary>The files to delete, in this order: by ascending level, and within a level the oldest first, so that no level gets a
    /// hole.</summary>
    public IReadOnlyList<LtxFileInfo> Deletions { get; }

    /// <summary>The TXID of the oldest snapshot that is needed; what lies before it is given up.</summary>
    /// <value>Null when nothing is given up: no snapshot is as old as the moments that can be restored.</value>
    public Txid? Floor { get; }

    /// <summary>The earliest moment at which more files can be deleted because time has passed.</summary>
    /// <value>Null when only new files can change anything. It can lie years ahead.</value>
    public DateTimeOffset? RecheckAt { get; }

    /// <summary>Size of the files to delete together, as listed.</summary>
    public long TotalSizeBytes => Deletions.Sum(file => file.SizeBytes);

    /// <summary>Chooses the files. Pure.</summary>
    /// <param name="files">What the replica holds on all levels (<see cref="ReplicaCatalog.Files"/>), in any order.</param>
    /// <param name="now">The present.</param>
    /// <param name="options">What is promised.</param>
    public static RetentionPlan From(IReadOnlyList<LtxFileInfo> files, DateTimeOffset now, RetentionOptions options)
    {
        // By last TXID, and only from the front: then whatever stays on a level begins later, and has no hole that it did not have.
        var levels = files.Where(IsSound).OrderBy(file => file.MaxTxid).ThenBy(file => file.MinTxid).ToLookup(file => file.Level);
        LtxFileInfo[] snapshots = [.. levels[Level.Snapshots]];
        LtxFileInfo[] compacted = [.. levels
            .Where(level => level.Key != Level.Captured && level.Key != Level.Snapshots)
            .OrderBy(level => level.Key)
            .SelectMany(level => level)];

        var old = SnapshotExpiry.From(snapshots, now, options);
        var floor = old.Floor ?? Txid.None;
        var superfluous = compacted
            .GroupBy(file => file.Level)
            .SelectMany(level => level.SkipLast(1).TakeWhile(file => file.MaxTxid <= floor));
        var replaced = CaptureExpiry.From(
            [.. levels[Level.Captured]],
            compacted.OrderBy(file => file.MaxTxid),
            [.. snapshots.Where(file => file.MaxTxid >= floor)],
            floor,
            now,
            options.L0Retention);
        return new RetentionPlan(
            [.. replaced.Deletions, .. superfluous, .. old.Deletions], old.Floor, Earliest(replaced.RecheckAt, old.RecheckAt));
    }

    private static bool IsSound(LtxFileInfo file)
        => !file.MinTxid.IsNone
            && file.MinTxid <= file.MaxTxid
            && (file.Level != Level.Snapshots || file.MinTxid == Txid.First);

    private static DateTimeOffset? Earliest(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b : a;
}
