using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Compares what a destination holds with what the spool holds.</summary>
internal static class HeadComparison
{
    /// <summary>Whether this writer may go on from there: it is its own history, or one that it takes over.</summary>
    /// <remarks>A new spool takes over what it finds, and remembers whose it was. Later on, another writer's file is only accepted if it is of
    /// such a history, or the one that our own history continues.</remarks>
    public static async ValueTask<bool> ContinuesAsync(
        Spool spool, Lineage lineage, ReplicaHead head, CancellationToken cancellationToken)
    {
        if (head.Lineage == Lineage.None
            || head.Lineage == lineage
            || spool.KnowsNoHistory
            || IsAtPosition(spool, head)
            || spool.HasAncestor(head.Lineage))
        {
            return true;
        }

        var next = Spool.CaptureOf(head.Txid.Next());
        if (!spool.Contains(next))
        {
            return false;
        }

        // An image continues whatever lies there, so it says nothing.
        var (header, _) = await SpoolFile.InspectAsync(spool, next, cancellationToken).ConfigureAwait(false);
        return header.Proof.Before is { } before && before == head.Checksum;
    }

    /// <summary>Finds out whether captures can follow what lies there.</summary>
    public static async ValueTask<HeadFinding> CompareAsync(
        Spool spool, IReplicaStore store, ReplicaHead head, ReplicaState? known, CancellationToken cancellationToken)
    {
        if (head.Header is null || !head.IsRestorable)
        {
            return new HeadFinding(new ImageRequest(Level.Snapshots, Txid.First), IsConfirmed: true); // Nothing can be built on that.
        }

        try
        {
            // The same writer can have two histories: an older copy of the spool was put back, and went on before this destination could be
            // asked. What follows must not be applied to what lies there.
            var same = Spool.CaptureOf(head.Txid);
            if (spool.Contains(same))
            {
                var (own, _) = await SpoolFile.InspectAsync(spool, same, cancellationToken).ConfigureAwait(false);
                var differs = own.Proof.After is not null && head.Checksum is not null
                    ? own.Proof.After != head.Checksum
                    : head.Key != same || own != head.Header; // What cannot be compared may be another history.
                return new HeadFinding(differs ? Bridge(head) : null, IsConfirmed: true);
            }

            if (IsOtherPosition(spool, head, known))
            {
                return new HeadFinding(Bridge(head), IsConfirmed: true);
            }

            // Without the next capture there is a hole, which needs an image anyway, or it is still to be made.
            var next = Spool.CaptureOf(head.Txid.Next());
            return !spool.Contains(next)
                ? new HeadFinding(null, IsConfirmed: false)
                : new HeadFinding(
                    await FollowsAsync(spool, store, head, next, known, cancellationToken).ConfigureAwait(false) ? null : Bridge(head),
                    IsConfirmed: true);
        }
        catch (LtxFormatException)
        {
            // A damaged file proves nothing, and an image is always right.
            return new HeadFinding(IsAtPosition(spool, head) ? null : Bridge(head), IsConfirmed: false);
        }
    }

    /// <summary>Whether a capture of the spool leads on from what lies there. It may have been compared with the state of another
    /// destination.</summary>
    /// <exception cref="LtxFormatException">The capture is damaged.</exception>
    public static async ValueTask<bool> FollowsAsync(
        Spool spool, IReplicaStore store, ReplicaHead head, LtxFileKey next, ReplicaState? known, CancellationToken cancellationToken)
    {
        var (following, isImage) = await SpoolFile.InspectAsync(spool, next, cancellationToken).ConfigureAwait(false);
        return following.Proof.Before is { } before
            ? before == await ChecksumOfAsync(store, head, known, cancellationToken).ConfigureAwait(false)
            : head.Checksum is null || isImage;
    }

    /// <summary>The image that leads over to this history.</summary>
    public static ImageRequest Bridge(ReplicaHead head) => new(Level.Captured, head.Txid.Next());

    /// <summary>Whether the spool stands at the TXID that lies there, but at another state: it was read from another destination.</summary>
    public static bool IsOtherPosition(Spool spool, ReplicaHead head, ReplicaState? known)
        => spool.ReadPosition() is { Checksum: { } own } position
            && position.Txid == head.Txid
            && (head.Checksum ?? (known?.Txid == head.Txid ? known.Checksum : null)) is { } other
            && own != other;

    // The destination holds the state at which capture stands, by the word of the spool.
    private static bool IsAtPosition(Spool spool, ReplicaHead head)
        => spool.ReadPosition() is { Checksum: { } checksum } position && position.Txid == head.Txid && checksum == head.Checksum;

    // Files of the original carry no checksum of the database. Then it has to be read, if that was not done before.
    private static async ValueTask<DatabaseChecksum?> ChecksumOfAsync(
        IReplicaStore store, ReplicaHead head, ReplicaState? known, CancellationToken cancellationToken)
    {
        if (head.Checksum is { } checksum)
        {
            return checksum;
        }

        if (known is not null && known.Txid == head.Txid)
        {
            return known.Checksum;
        }

        try
        {
            var state = await new PageChecksumStep(store)
                .RunAsync(head.Txid, static (_, _, _) => { }, 1, null, cancellationToken).ConfigureAwait(false);
            return state.Checksum;
        }
        catch (TidemarkException e) when (e is not ReplicaStoreException)
        {
            return null; // Nothing can be built on what lies there.
        }
    }
}
