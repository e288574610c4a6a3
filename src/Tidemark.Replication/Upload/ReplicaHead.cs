using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replication.Upload;

/// <summary>The newest state that a destination holds: the file that leads to it, of the lowest level where there are several.</summary>
/// <param name="Key">The file.</param>
/// <param name="Header">Its header.</param>
internal sealed record ReplicaHead(LtxFileKey Key, LtxHeader Header)
{
    /// <summary>Its TXID.</summary>
    public Txid Txid => Key.Name.MaxTxid;

    /// <summary>Page size of the database.</summary>
    public PageSize PageSize => Header.PageSize;

    /// <summary>Who wrote it.</summary>
    public Lineage Lineage => Header.Lineage;

    /// <summary>Checksum of the database there, or null when the writer kept none.</summary>
    public DatabaseChecksum? Checksum => Header.Proof.After;

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
            return new ReplicaHead(head.Key, await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false));
        }
    }
}
