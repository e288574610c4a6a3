using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Ships captures from the spool to one destination, one file a run, in the order of their TXIDs.</summary>
/// <remarks>
/// Owns the position of the destination. A write that failed is repeated under the same name, which replaces the file as a whole, so a lost
/// answer does no harm. Runs of one instance do not overlap; <see cref="Shipped"/> may be read from any thread.
/// </remarks>
internal sealed class UploadStep(IReplicaStore store, Spool spool, Lineage lineage)
{
    private ulong _shipped;
    private Txid _shippedSnapshot;
    private volatile bool _isForked;

    // What the destination holds, until it is known whether the captures in the spool continue it.
    private ReplicaHead? _unconfirmed;
    private volatile ReplicaState? _state;

    /// <summary>The destination.</summary>
    public IReplicaStore Store => store;

    /// <summary>Whether it is known what the destination holds.</summary>
    public bool IsReconciled { get; private set; }

    /// <summary>Whether another writer's history was taken over when the destination was looked at last, because the spool was new.</summary>
    public bool TookOver { get; private set; }

    /// <summary>The newest TXID that the destination is known to hold.</summary>
    public Txid Shipped => new(Volatile.Read(ref _shipped));

    /// <summary>Up to where the destination holds this history: nothing of it while another history lies there.</summary>
    public Txid Delivered => _isForked ? Txid.None : Shipped;

    /// <summary>Whether the destination leads to what was captured.</summary>
    public bool HasAll(Txid captured) => IsReconciled && Shipped >= captured && !_isForked;

    /// <summary>Finds out what the destination holds. Must succeed once before anything is shipped, and again after the destination failed.
    /// </summary>
    /// <returns>The newest state there, or null when it is empty.</returns>
    /// <exception cref="ReplicaConflictException">Another writer's history lies there.</exception>
    public async ValueTask<ReplicaHead?> ReconcileAsync(CancellationToken cancellationToken)
    {
        var head = await ReplicaHead.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        if (head is not null && !await ContinuesAsync(head, cancellationToken).ConfigureAwait(false))
        {
            throw new ReplicaConflictException(store.Name, head.Txid, head.Lineage, lineage, spool.Path);
        }

        TookOver = head is not null && head.Lineage != Lineage.None && head.Lineage != lineage;
        _unconfirmed = head;
        _isForked = head is not null && await IsForkedAsync(head, cancellationToken).ConfigureAwait(false);
        _shippedSnapshot = Txid.None;
        Volatile.Write(ref _shipped, head?.Txid.Value ?? 0);
        IsReconciled = true;
        return head;
    }

    /// <summary>Ships the next file, if there is one.</summary>
    /// <param name="captured">The newest capture.</param>
    /// <param name="cancellationToken">Ends the run; the destination keeps no part of a file.</param>
    /// <exception cref="ReplicaStoreException">The destination failed.</exception>
    /// <exception cref="LtxFormatException">The file in the spool is damaged. It is set aside, and the next run asks for a
    /// snapshot.</exception>
    public async ValueTask<UploadResult> RunAsync(Txid captured, CancellationToken cancellationToken)
    {
        Invariant.Holds(IsReconciled, $"{store.Name}: it is known what the destination holds before anything is shipped.");

        // A snapshot that is in the spool before its capture leads to a state that may never be captured.
        if (spool.ListSnapshots() is [.., var snapshot]
            && snapshot.MaxTxid > _shippedSnapshot
            && snapshot.MaxTxid > Shipped
            && snapshot.MaxTxid <= captured)
        {
            return await ShipSnapshotAsync(snapshot, cancellationToken).ConfigureAwait(false);
        }

        // While the destination is ahead, the next capture takes it as its base.
        if (HasAll(captured) || Shipped > captured)
        {
            return new UploadResult(UploadOutcome.Idle);
        }

        var next = CaptureOf(Shipped.Next());
        if (_isForked || !spool.Contains(next) || !await ContinuesHeadAsync(next, cancellationToken).ConfigureAwait(false))
        {
            return new UploadResult(UploadOutcome.NeedsSnapshot);
        }

        var file = await ShipAsync(next, cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _shipped, next.Name.MaxTxid.Value);
        return new UploadResult(UploadOutcome.Uploaded, file);
    }

    /// <summary>The newest state of the destination was read, and the next capture is compared with it. May be called from any
    /// thread.</summary>
    public void NoteState(ReplicaState state)
    {
        _state = state;
        _isForked = false;
    }

    /// <summary>What lies at the destination up to this TXID was found to be damaged, so it goes on from a snapshot. May be called from any
    /// thread.</summary>
    public void NoteDamage(Txid txid)
    {
        if (Shipped == txid)
        {
            _isForked = true;
        }
    }

    // A new spool takes over what it finds. Later on, another writer's file is only accepted as the one that our own history took over.
    private async ValueTask<bool> ContinuesAsync(ReplicaHead head, CancellationToken cancellationToken)
    {
        if (head.Lineage == Lineage.None || head.Lineage == lineage || spool.ReadPosition() is null || IsAtPosition(head))
        {
            return true;
        }

        var next = CaptureOf(head.Txid.Next());
        if (!spool.Contains(next))
        {
            return false;
        }

        var (header, isImage) = await SpoolFile.InspectAsync(spool, next, cancellationToken).ConfigureAwait(false);
        return header.Proof.Before is null ? isImage : header.Proof.Before == head.Checksum;
    }

    // The same writer can have two histories: an older copy of the spool was put back, and went on before this destination could be asked.
    // What follows must not be applied to what lies there, so the destination goes on from a snapshot.
    private async ValueTask<bool> IsForkedAsync(ReplicaHead head, CancellationToken cancellationToken)
    {
        if (head.Header is null || !head.IsRestorable)
        {
            return true; // Nothing can be built on what lies there.
        }

        try
        {
            var same = CaptureOf(head.Txid);
            if (spool.Contains(same))
            {
                var (own, _) = await SpoolFile.InspectAsync(spool, same, cancellationToken).ConfigureAwait(false);
                var differs = own.Proof.After is not null && head.Checksum is not null
                    ? own.Proof.After != head.Checksum
                    : head.Key.Level == Level.Captured && own != head.Header;
                _unconfirmed = null;
                return differs;
            }

            // Without the next capture there is a hole, which needs a snapshot anyway, or it is still to be made.
            var next = CaptureOf(head.Txid.Next());
            return spool.Contains(next) && !await ContinuesHeadAsync(next, cancellationToken).ConfigureAwait(false);
        }
        catch (LtxFormatException)
        {
            return !IsAtPosition(head); // A damaged file proves nothing, and a snapshot is always right.
        }
    }

    // The destination holds the state at which capture stands, by the word of the spool.
    private bool IsAtPosition(ReplicaHead head)
        => spool.ReadPosition() is { Checksum: { } checksum } position && position.Txid == head.Txid && checksum == head.Checksum;

    // Looked at once, when the first capture after what was found is there: it may have been compared with the state of another
    // destination.
    private async ValueTask<bool> ContinuesHeadAsync(LtxFileKey next, CancellationToken cancellationToken)
    {
        if (_unconfirmed is not { } head || head.Txid.Next() != next.Name.MinTxid)
        {
            return true;
        }

        try
        {
            var (following, isImage) = await SpoolFile.InspectAsync(spool, next, cancellationToken).ConfigureAwait(false);
            _isForked = following.Proof.Before is { } before
                ? before != await ChecksumOfAsync(head, cancellationToken).ConfigureAwait(false)
                : head.Checksum is not null && !isImage;
        }
        catch (LtxFormatException)
        {
            spool.SetAside(next);
            throw;
        }

        _unconfirmed = null;
        return !_isForked;
    }

    // Files of the original carry no checksum of the database. Then it has to be read, if that was not done before.
    private async ValueTask<DatabaseChecksum?> ChecksumOfAsync(ReplicaHead head, CancellationToken cancellationToken)
    {
        if (head.Checksum is { } known)
        {
            return known;
        }

        if (_state is { } state && state.Txid == head.Txid)
        {
            return state.Checksum;
        }

        try
        {
            var read = await new PageChecksumStep(store)
                .RunAsync(head.Txid, static (_, _) => { }, parallelism: 1, progress: null, cancellationToken)
                .ConfigureAwait(false);
            return read.Checksum;
        }
        catch (TidemarkException e) when (e is not ReplicaStoreException)
        {
            return null; // Nothing can be built on what lies there.
        }
    }

    private static LtxFileKey CaptureOf(Txid txid) => new(Level.Captured, new LtxFileName(txid, txid));

    private async ValueTask<UploadResult> ShipSnapshotAsync(LtxFileName snapshot, CancellationToken cancellationToken)
    {
        var file = await ShipAsync(new LtxFileKey(Level.Snapshots, snapshot), cancellationToken).ConfigureAwait(false);
        _shippedSnapshot = snapshot.MaxTxid;

        // Captures that the spool still holds are shipped too; where it has a hole, the snapshot bridges it.
        if (_isForked || !spool.Contains(CaptureOf(Shipped.Next())))
        {
            Volatile.Write(ref _shipped, snapshot.MaxTxid.Value);
            _isForked = false;
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
            try
            {
                return await store.WriteAsync(key, header.Timestamp, content, cancellationToken).ConfigureAwait(false);
            }
            catch (ReplicaStoreException)
            {
                IsReconciled = false; // It is not known any more what lies there.
                throw;
            }
        }
    }
}
