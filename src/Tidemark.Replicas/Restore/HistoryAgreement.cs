namespace Tidemark.Replicas.Restore;

/// <summary>Whether two replicas tell of one history.</summary>
public enum HistoryAgreement
{
    /// <summary>Nothing tells: one of them has no file that ends at the state, or none with a checksum of the whole database.</summary>
    Unknown,

    /// <summary>Their checksums of the whole database are equal.</summary>
    Same,

    /// <summary>They have different databases under the same TXID.</summary>
    Different,
}
