using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replication.Upload;

/// <summary>The newest state that a destination holds: the file that leads to it, of the lowest level where there are several.</summary>
/// <param name="Key">The file.</param>
/// <param name="Header">Its header, or null when the file is too damaged to tell.</param>
/// <param name="IsRestorable">Whether files without a hole lead to it.</param>
internal sealed record ReplicaHead(LtxFileKey Key, LtxHeader? Header, bool IsRestorable)
{
    /// <summary>Its TXID.</summary>
    public Txid Txid => Key.Name.MaxTxid;

    /// <summary>Page size of the database, or null when it is not known.</summary>
    public PageSize? PageSize => Header?.PageSize;

    /// <summary>Who wrote it.</summary>
    public Lineage Lineage => Header?.Lineage ?? Lineage.None;

    /// <summary>Checksum of the database there, or null when it is not known.</summary>
    public DatabaseChecksum? Checksum => Header?.Proof.After;

    /// <summary>Finds the newest file in the listing of all levels; null when the replica is empty.</summary>
    public static async ValueTask<ReplicaHead?> ReadAsync(
        IReplicaStore store, IReadOnlyList<LtxFileInfo> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return null;
        }

        var newest = files.OrderByDescending(file => file.MaxTxid).ThenBy(file => file.Level).First();
        return new ReplicaHead(
            newest.Key, await TryReadHeaderAsync(store, newest.Key, cancellationToken).ConfigureAwait(false), LeadsTo(files, newest.MaxTxid));
    }

    /// <summary>Reads the header of a file; null when it is damaged.</summary>
    public static async ValueTask<LtxHeader?> TryReadHeaderAsync(IReplicaStore store, LtxFileKey key, CancellationToken cancellationToken)
    {
        var content = await store.OpenAsync(key, 0, LtxHeader.Size, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            try
            {
                using var reader = new LtxReader(content, $"{store.Name}/{key}");
                return await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (LtxFormatException)
            {
                return null;
            }
        }
    }

    private static bool LeadsTo(IReadOnlyList<LtxFileInfo> files, Txid txid)
    {
        try
        {
            return RestorePlan.From(files, new RestoreTarget.Latest()).MaxTxid == txid;
        }
        catch (Exception e) when (e is ReplicaHoleException or NoMatchingBackupException)
        {
            return false;
        }
    }
}
