using Tidemark.Formats;

namespace Tidemark.Replication.Upload;

/// <summary>A destination holds the history of another writer, which must not be mixed with this one's.</summary>
public sealed class ReplicaConflictException : TidemarkException
{
    internal ReplicaConflictException(string store, Txid txid, Lineage found, Lineage own, string spoolPath)
        : base(
            $"{store}: the newest file, TXID {txid}, was written by another writer (lineage {found}) than this one ({own}).",
            "Make sure that no other process replicates to this place. To go on from what is there, "
            + $"stop Tidemark and delete the folder {spoolPath}; or use another URL.")
    {
    }
}
