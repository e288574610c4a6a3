using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replication.Upload;

/// <summary>The newest state that a destination holds.</summary>
/// <param name="Txid">Its TXID.</param>
/// <param name="PageSize">Page size of the database.</param>
/// <param name="Lineage">Who wrote it.</param>
/// <param name="Checksum">Checksum of the database there, or null when the writer kept none.</param>
internal sealed record ReplicaHead(Txid Txid, PageSize PageSize, Lineage Lineage, DatabaseChecksum? Checksum)
{
    /// <summary>Looks through all levels; null when the replica is empty.</summary>
    public static async ValueTask<ReplicaHead?> ReadAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        LtxFileInfo? newest = null;
        foreach (var level in Level.All)
        {
            await foreach (var file in store.ListAsync(level, Txid.None, cancellationToken).ConfigureAwait(false))
            {
                if (newest is null || file.MaxTxid > newest.Value.MaxTxid)
                {
                    newest = file;
                }
            }
        }

        if (newest is not { } head)
        {
            return null;
        }

        var content = await store.OpenAsync(head.Key, 0, LtxHeader.Size, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            using var reader = new LtxReader(content, $"{store.Name}/{head.Key}");
            var header = await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            return new ReplicaHead(head.MaxTxid, header.PageSize, header.Lineage, header.Proof.After);
        }
    }
}
