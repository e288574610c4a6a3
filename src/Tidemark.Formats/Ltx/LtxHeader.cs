using System.Buffers.Binary;
using Tidemark.Formats.Database;
using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Ltx;

/// <summary>The first 100 bytes of an LTX file. All fields are big-endian.</summary>
/// <remarks>
/// <code>
///   0       4       8           12       16         24         32          40
///   +-------+-------+-----------+--------+----------+----------+-----------+
///   | magic | flags | page size | commit | min TXID | max TXID | timestamp |
///   +-------+-------+-----------+--------+----------+----------+-----------+
///   | checksum before | WAL offset | WAL size | salt1 | salt2 | lineage | proof |
///   +-----------------+------------+----------+-------+-------+---------+-------+
///   40                48           56         64      68      72        80      100
/// </code>
/// See docs/format/ltx.md, "Header".
/// </remarks>
public readonly record struct LtxHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 100;

    private const uint NoChecksumFlag = 0x0000_0002;
    private const int ProofOffset = 80;

    /// <summary>True when the standard checksum fields (before and after) are used. Files of Tidemark and of Litestream have this
    /// off.</summary>
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

    /// <summary>When the last capture was made. A number of milliseconds beyond the calendar gives the calendar's end.</summary>
    public DateTimeOffset Timestamp => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(
        TimestampMs,
        DateTimeOffset.MinValue.ToUnixTimeMilliseconds(),
        DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private static ReadOnlySpan<byte> Magic => "LTX1"u8;

    /// <summary>Reads and checks a header.</summary>
    /// <returns><see cref="LtxFault.None"/>, or what is wrong; then <paramref name="header"/> is the default value.</returns>
    public static LtxFault TryRead(ReadOnlySpan<byte> source, out LtxHeader header)
    {
        header = default;
        if (!source.StartsWith(Magic[..Math.Min(Magic.Length, source.Length)]))
        {
            return LtxFault.NotAnLtxFile;
        }

        if (source.Length < Size)
        {
            return LtxFault.Truncated;
        }

        var flags = BinaryPrimitives.ReadUInt32BigEndian(source[4..]);
        if ((flags & ~NoChecksumFlag) != 0)
        {
            return LtxFault.UnknownHeaderFlags;
        }

        if (!PageSize.TryFromBytes(BinaryPrimitives.ReadUInt32BigEndian(source[8..]), out var pageSize))
        {
            return LtxFault.InvalidPageSize;
        }

        if (LtxProof.TryRead(source.Slice(ProofOffset, LtxProof.Size), out var proof) is not LtxFault.None and var proofFault)
        {
            return proofFault;
        }

        var read = new LtxHeader
        {
            TracksChecksums = (flags & NoChecksumFlag) == 0,
            PageSize = pageSize,
            Commit = BinaryPrimitives.ReadUInt32BigEndian(source[12..]),
            MinTxid = new Txid(BinaryPrimitives.ReadUInt64BigEndian(source[16..])),
            MaxTxid = new Txid(BinaryPrimitives.ReadUInt64BigEndian(source[24..])),
            TimestampMs = BinaryPrimitives.ReadInt64BigEndian(source[32..]),
            PreApplyChecksum = BinaryPrimitives.ReadUInt64BigEndian(source[40..]),
            WalOffset = BinaryPrimitives.ReadInt64BigEndian(source[48..]),
            WalSize = BinaryPrimitives.ReadInt64BigEndian(source[56..]),
            WalSalts = new WalSalts(BinaryPrimitives.ReadUInt32BigEndian(source[64..]), BinaryPrimitives.ReadUInt32BigEndian(source[68..])),
            Lineage = new Lineage(BinaryPrimitives.ReadUInt64BigEndian(source[72..])),
            Proof = proof,
        };
        var fault = read.Validate();
        header = fault == LtxFault.None ? read : default;
        return fault;
    }

    /// <summary>Checks the rules between the fields: what <see cref="TryRead"/> refuses must not be written either.</summary>
    public LtxFault Validate()
    {
        if (PageSize == default)
        {
            return LtxFault.InvalidPageSize;
        }

        if (MinTxid.IsNone || MinTxid > MaxTxid)
        {
            return LtxFault.InvalidTxids;
        }

        // The offset tells whether the file comes from a WAL at all: the WAL's own header is 32 bytes long, so no frame begins at 0.
        if (WalOffset < 0 || WalSize < 0 || (WalOffset == 0 && (WalSize != 0 || WalSalts != default)))
        {
            return LtxFault.InvalidWalRange;
        }

        if (IsSnapshot || !TracksChecksums)
        {
            if (PreApplyChecksum != 0)
            {
                return LtxFault.UnexpectedPreApplyChecksum;
            }
        }
        else if ((PreApplyChecksum & DatabaseChecksum.Flag) == 0)
        {
            return LtxFault.InvalidPreApplyChecksum;
        }

        return Proof.Validate(IsSnapshot);
    }

    /// <summary>Writes the header to the first <see cref="Size"/> bytes of <paramref name="destination"/>.</summary>
    public void Write(Span<byte> destination)
    {
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], TracksChecksums ? 0 : NoChecksumFlag);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], (uint)PageSize.Bytes);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], Commit);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], MinTxid.Value);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], MaxTxid.Value);
        BinaryPrimitives.WriteInt64BigEndian(destination[32..], TimestampMs);
        BinaryPrimitives.WriteUInt64BigEndian(destination[40..], PreApplyChecksum);
        BinaryPrimitives.WriteInt64BigEndian(destination[48..], WalOffset);
        BinaryPrimitives.WriteInt64BigEndian(destination[56..], WalSize);
        BinaryPrimitives.WriteUInt32BigEndian(destination[64..], WalSalts.Salt1);
        BinaryPrimitives.WriteUInt32BigEndian(destination[68..], WalSalts.Salt2);
        BinaryPrimitives.WriteUInt64BigEndian(destination[72..], Lineage.Value);
        Proof.Write(destination[ProofOffset..]);
    }
}
