using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Compares what a destination holds with what the spool holds.</summary>
internal static class HeadComparison
{
    /// <summary>Whether this writer may go on from there: it is its own history, or one that it takes over.</summary>
    /// <remarks>A new spool takes over what it finds. Later on, another writer's file is only accepted as the one that our own history took
    /// over.</remarks>
    public static async ValueTask<bool> ContinuesAsync(
        Spool spool, Lineage lineage, ReplicaHead head, CancellationToken cancellationToken)
    {
        if (head.Lineage == Lineage.None || head.Lineage == lineage || spool.ReadPosition() is null)
        {
            return true;
        }

        var next = Spool.CaptureOf(head.Txid.Next());
        if (!spool.Contains(next))
        {
            return false;
        }

        var (header, isImage) = await SpoolFile.InspectAsync(spool, next, cancellationToken).ConfigureAwait(false);
        return header.Proof.Before is null ? isImage : header.Proof.Before == head.Checksum;
    }

    /// <summary>The image without which nothing can follow what lies there, or null when captures can, as far as is known.</summary>
    public static async ValueTask<ImageRequest?> FindNeedAsync(Spool spool, ReplicaHead head, CancellationToken cancellationToken)
        => head.Header is null || !head.IsRestorable
            ? new ImageRequest(Level.Snapshots, Txid.First) // Nothing can be built on what lies there.
            : await IsForkedAsync(spool, head, cancellationToken).ConfigureAwait(false)
                ? new ImageRequest(Level.Captured, head.Txid.Next())
                : null;

    // The same writer can have two histories: an older copy of the spool was put back, and went on before this destination could be asked.
    // What follows must not be applied to what lies there.
    private static async ValueTask<bool> IsForkedAsync(Spool spool, ReplicaHead head, CancellationToken cancellationToken)
    {
        try
        {
            var same = Spool.CaptureOf(head.Txid);
            if (spool.Contains(same))
            {
                var (own, _) = await SpoolFile.InspectAsync(spool, same, cancellationToken).ConfigureAwait(false);
                return own.Proof.After is not null && head.Checksum is not null
                    ? own.Proof.After != head.Checksum
                    : head.Key == same && own != head.Header;
            }

            var next = Spool.CaptureOf(head.Txid.Next());
            if (!spool.Contains(next))
            {
                return false; // A hole, which needs an image anyway.
            }

            var (following, isImage) = await SpoolFile.InspectAsync(spool, next, cancellationToken).ConfigureAwait(false);
            return head.Checksum is not null
                && (following.Proof.Before is null ? !isImage : following.Proof.Before != head.Checksum);
        }
        catch (LtxFormatException)
        {
            return true; // A damaged file proves nothing, and an image is always right.
        }
    }
}
