using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Ships captures from the spool to one destination, one file a run, in the order of their TXIDs.</summary>
/// <remarks>
/// Owns the position of the destination. A write that failed is repeated under the same name, which replaces the file as a whole, so a lost answer does no harm.
/// Runs of one instance do not overlap; <see cref="Shipped"/> may be read from any thread.
/// </remarks>
internal sealed class UploadStep(IReplicaStore store, Spool spool, Lineage lineage)
{
    private ulong _shipped;
    private Txid _shippedSnapshot;

    /// <summary>The destination.</summary>
    public IReplicaStore Store => store;

    /// <summary>Whether it is known what the destination holds.</summary>
    public bool IsReconciled { get; private set; }

    /// <summary>The newest TXID that the destination is known to hold.</summary>
    public Txid Shipped => new(Volatile.Read(ref _shipped));

    /// <summary>Finds out what the destination holds. Must succeed once before anything is shipped.</summary>
    /// <returns>The newest state there, or null when it is empty.</returns>
    /// <exception cref="ReplicaConflictException">Another writer's history lies there.</exception>
    public async ValueTask<ReplicaHead?> ReconcileAsync(CancellationToken cancellationToken)
    {
        var head = await ReplicaHead.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        if (head is not null && !await ContinuesAsync(head, cancellationToken).ConfigureAwait(false))
        {
            throw new ReplicaConflictException(store.Name, head.Txid, head.Lineage, lineage, spool.Path);
        }

        Volatile.Write(ref _shipped, head?.Txid.Value ?? 0);
        IsReconciled = true;
        return head;
    }

    /// <summary>Ships the next file, if there is one.</summary>
    /// <param name="captured">The newest capture.</param>
    /// <param name="cancellationToken">Ends the run; the destination keeps no part of a file.</param>
    /// <exception cref="ReplicaStoreException">The destination failed.</exception>
    /// <exception cref="LtxFormatException">The file in the spool is damaged. It is set aside, and the next run asks for a snapshot.</exception>
    public async ValueTask<UploadResult> RunAsync(Txid captured, CancellationToken cancellationToken)
    {
        Invariant.Holds(IsReconciled, $"{store.Name}: it is known what the destination holds before anything is shipped.");
        if (spool.ListSnapshots() is [.., var snapshot] && snapshot.MaxTxid > _shippedSnapshot && snapshot.MaxTxid > Shipped)
        {
            return await ShipSnapshotAsync(snapshot, cancellationToken).ConfigureAwait(false);
        }

        if (Shipped >= captured)
        {
            return new UploadResult(UploadOutcome.Idle);
        }

        var next = new LtxFileKey(Level.Captured, new LtxFileName(Shipped.Next(), Shipped.Next()));
        if (!spool.Contains(next))
        {
            return new UploadResult(UploadOutcome.NeedsSnapshot);
        }

        var file = await ShipAsync(next, cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _shipped, next.Name.MaxTxid.Value);
        return new UploadResult(UploadOutcome.Uploaded, file);
    }

    // A new spool takes over what it finds. Later on, another writer's file is only accepted as the one that our own history took over.
    private async ValueTask<bool> ContinuesAsync(ReplicaHead head, CancellationToken cancellationToken)
    {
        if (head.Lineage == Lineage.None || head.Lineage == lineage || spool.ReadPosition() is null)
        {
            return true;
        }

        var next = new LtxFileKey(Level.Captured, new LtxFileName(head.Txid.Next(), head.Txid.Next()));
        if (!spool.Contains(next))
        {
            return false;
        }

        var header = await SpoolFile.VerifyAsync(spool, next, cancellationToken).ConfigureAwait(false);
        return header.Proof.Before is null || header.Proof.Before == head.Checksum;
    }

    private async ValueTask<UploadResult> ShipSnapshotAsync(LtxFileName snapshot, CancellationToken cancellationToken)
    {
        var file = await ShipAsync(new LtxFileKey(Level.Snapshots, snapshot), cancellationToken).ConfigureAwait(false);
        _shippedSnapshot = snapshot.MaxTxid;

        // Captures that the spool still holds are shipped too; where it has a hole, the snapshot bridges it.
        if (!spool.Contains(new LtxFileKey(Level.Captured, new LtxFileName(Shipped.Next(), Shipped.Next()))))
        {
            Volatile.Write(ref _shipped, snapshot.MaxTxid.Value);
        }

        return new UploadResult(UploadOutcome.Uploaded, file);
    }

    private async ValueTask<LtxFileInfo> ShipAsync(LtxFileKey key, CancellationToken cancellationToken)
    {
        // Nothing leaves the spool unchecked: a disk may have damaged it since it was written.
        LtxHeader header;
        try
        {
            header = await SpoolFile.VerifyAsync(spool, key, cancellationToken).ConfigureAwait(false);
        }
        catch (LtxFormatException)
        {
            spool.SetAside(key);
            throw;
        }

        var content = spool.OpenRead(key);
        await using (content.ConfigureAwait(false))
        {
            return await store.WriteAsync(key, header.Timestamp, content, cancellationToken).ConfigureAwait(false);
        }
    }
}
