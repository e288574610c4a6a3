using Tidemark.Formats;

namespace Tidemark.Replicas.Catalog;

/// <summary>A file of a replica, as a listing tells of it.</summary>
/// <param name="Key">Level and name.</param>
/// <param name="SizeBytes">Size of the file.</param>
/// <param name="Created">When its last capture was made, as far as the store keeps it (see <see cref="Stores.IReplicaStore"/>).</param>
public readonly record struct LtxFileInfo(LtxFileKey Key, long SizeBytes, DateTimeOffset Created)
{
    /// <summary>Level of the file.</summary>
    public Level Level => Key.Level;

    /// <summary>First TXID in the file.</summary>
    public Txid MinTxid => Key.Name.MinTxid;

    /// <summary>Last TXID in the file.</summary>
    public Txid MaxTxid => Key.Name.MaxTxid;
}
