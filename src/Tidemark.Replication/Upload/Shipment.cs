using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Creates files of the spool in a store, never in the place of another, and notices when another writer creates files there too.
/// </summary>
internal sealed class Shipment(IReplicaStore store, Spool spool, ClaimStep claim)
{
    private const int BufferSizeBytes = 128 * 1024;

    /// <summary>Creates one file.</summary>
    /// <param name="source">The file in the spool.</param>
    /// <param name="key">What it is at the destination.</param>
    /// <param name="created">The timestamp of its header.</param>
    /// <param name="cancellationToken">Ends the call; the destination keeps no part of the file.</param>
    /// <returns>The file, and whether this call made it: false when it was there already, since only the answer got lost, or since a copy of
    /// this spool was faster.</returns>
    /// <exception cref="ReplicaConflictException">The name is taken by another content.</exception>
    public async ValueTask<(LtxFileInfo File, bool IsNew)> CreateAsync(
        LtxFileKey source, LtxFileKey key, DateTimeOffset created, CancellationToken cancellationToken)
    {
        var content = spool.OpenRead(source);
        await using (content.ConfigureAwait(false))
        {
            try
            {
                return (await store.CreateAsync(key, created, content, cancellationToken).ConfigureAwait(false), true);
            }
            catch (ReplicaFileExistsException)
            {
                content.Position = 0;
                if (!await IsSameAsync(key, content, cancellationToken).ConfigureAwait(false))
                {
                    await claim.ContestAsync(
                        other => ReplicaConflictException.NameIsTaken(store.Name, key, claim.Own, other), cancellationToken)
                        .ConfigureAwait(false);
                }

                return (new LtxFileInfo(key, content.Length, created), false);
            }
        }
    }

    /// <summary>Looks whether another writer has written captures beyond those that are known.</summary>
    /// <remarks>
    /// Captures that two writers make have the same names, so the slower one notices. An image has not: with it, two histories could lie
    /// beside each other, and a restore could go from one over into the other. So what was just written is deleted again if other files lie
    /// beside it, on which their writer goes on; but not if they follow it, since they may stand on it.
    /// </remarks>
    /// <param name="shipped">The last TXID that was known there before.</param>
    /// <param name="own">The file that was just written, or is to be.</param>
    /// <param name="isNew">Whether it was just written by this writer.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="ReplicaConflictException">There are such files.</exception>
    public async ValueTask ThrowIfOthersWroteAsync(Txid shipped, LtxFileKey own, bool isNew, CancellationToken cancellationToken)
    {
        List<LtxFileInfo> others = [];
        await foreach (var file in store.ListAsync(Level.Captured, shipped.Next(), cancellationToken).ConfigureAwait(false))
        {
            if (file.Key != own)
            {
                others.Add(file);
            }
        }

        if (others is not [var first, ..])
        {
            return;
        }

        if (isNew && first.MinTxid <= own.Name.MaxTxid)
        {
            await store.DeleteAsync([own], cancellationToken).ConfigureAwait(false);
        }

        await claim.ContestAsync(
            other => ReplicaConflictException.FilesAppeared(store.Name, first.Key, claim.Own, other), cancellationToken)
            .ConfigureAwait(false);
    }

    private async ValueTask<bool> IsSameAsync(LtxFileKey key, Stream own, CancellationToken cancellationToken)
    {
        var there = await store.OpenAsync(key, 0, null, cancellationToken).ConfigureAwait(false);
        await using (there.ConfigureAwait(false))
        {
            var (ownBytes, thereBytes) = (new byte[BufferSizeBytes], new byte[BufferSizeBytes]);
            while (true)
            {
                var count = await there.ReadAtLeastAsync(thereBytes, BufferSizeBytes, false, cancellationToken).ConfigureAwait(false);
                var ownCount = await own.ReadAtLeastAsync(ownBytes, BufferSizeBytes, false, cancellationToken).ConfigureAwait(false);
                if (!thereBytes.AsSpan(0, count).SequenceEqual(ownBytes.AsSpan(0, ownCount)))
                {
                    return false;
                }

                if (count < BufferSizeBytes)
                {
                    return true;
                }
            }
        }
    }
}
