using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Ltx;

/// <summary>The first 100 bytes of an LTX file.</summary>
public readonly record struct LtxHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 100;

    /// <summary>True when the standard checksum fields (before and after) are used. Files of Tidemark and of Litestream have this off.</summary>
    public bool TracksChecksums { get; init; }

    /// <summary>Size of the pages.</summary>
    public required PageSize PageSize { get; init; }

    /// <summary>Database size in pages after the file is applied.</summary>
    public required uint Commit { get; init; }

    /// <summary>First capture in the file.</summary>
    public required Txid MinTxid { get; init; }

    /// <summary>Last capture in the file.</summary>
    public required Txid MaxTxid { get; init; }

    /// <summary>When the last capture was made, in milliseconds since 1970 (UTC).</summary>
    public required long TimestampMs { get; init; }

    /// <summary>The standard checksum-before field; 0 when absent.</summary>
    public ulong PreApplyChecksum { get; init; }

    /// <summary>Where the captured frames begin in the WAL, in bytes; 0 when the file does not come from a WAL.</summary>
    public long WalOffset { get; init; }

    /// <summary>How many bytes of the WAL were captured.</summary>
    public long WalSize { get; init; }

    /// <summary>Salts of the WAL.</summary>
    public WalSalts WalSalts { get; init; }

    /// <summary>Who wrote the file.</summary>
    public Lineage Lineage { get; init; }

    /// <summary>Tidemark's own checksums before and after.</summary>
    public LtxProof Proof { get; init; }

    /// <summary>True when the file holds every page of the database: its first TXID is 1.</summary>
    public bool IsSnapshot => MinTxid == Txid.First;

    /// <summary>When the last capture was made.</summary>
    public DateTimeOffset Timestamp => DateTimeOffset.FromUnixTimeMilliseconds(TimestampMs);
}
