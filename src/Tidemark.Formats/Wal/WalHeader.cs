using System.Buffers.Binary;

namespace Tidemark.Formats.Wal;

/// <summary>The first 32 bytes of a WAL file. All fields are big-endian.</summary>
/// <remarks>
/// <code>
///   0       4         8           12         16      20      24           32
///   +-------+---------+-----------+----------+-------+-------+------------+
///   | magic | version | page size | sequence | salt1 | salt2 | checksum   |
///   +-------+---------+-----------+----------+-------+-------+------------+
/// </code>
/// See https://www.sqlite.org/fileformat2.html#walformat.
/// </remarks>
/// <param name="IsBigEndian">Whether the checksums of this WAL read words in big-endian order (magic 0x377f0683) or little-endian
/// (0x377f0682).</param>
/// <param name="PageSize">Size of the pages.</param>
/// <param name="Sequence">How often the WAL was restarted.</param>
/// <param name="Salts">What all frames of this run carry.</param>
/// <param name="Checksum">Running checksum after the header; the checksum of frame 1 continues it.</param>
public readonly record struct WalHeader(bool IsBigEndian, PageSize PageSize, uint Sequence, WalSalts Salts, WalChecksum Checksum)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 32;

    /// <summary>The only format version there is.</summary>
    public const uint Version = 3007000;

    private const uint Magic = 0x377f0682;
    private const int CheckedSize = 24;

    /// <summary>Reads and checks a header.</summary>
    /// <returns><see cref="WalFault.None"/>, or what is wrong; then <paramref name="header"/> is the default value.</returns>
    public static WalFault TryRead(ReadOnlySpan<byte> source, out WalHeader header)
    {
        header = default;
        if (source.Length < Size)
        {
            return WalFault.Truncated;
        }

        var magic = BinaryPrimitives.ReadUInt32BigEndian(source);
        if ((magic & ~1u) != Magic)
        {
            return WalFault.NotAWal;
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(source[4..]) != Version)
        {
            return WalFault.UnknownVersion;
        }

        if (!PageSize.TryFromBytes(BinaryPrimitives.ReadUInt32BigEndian(source[8..]), out var pageSize))
        {
            return WalFault.InvalidPageSize;
        }

        var isBigEndian = (magic & 1) != 0;
        var checksum = new WalChecksum(
            BinaryPrimitives.ReadUInt32BigEndian(source[24..]), BinaryPrimitives.ReadUInt32BigEndian(source[28..]));
        if (default(WalChecksum).Append(source[..CheckedSize], isBigEndian) != checksum)
        {
            return WalFault.ChecksumMismatch;
        }

        var salts = new WalSalts(BinaryPrimitives.ReadUInt32BigEndian(source[16..]), BinaryPrimitives.ReadUInt32BigEndian(source[20..]));
        header = new WalHeader(isBigEndian, pageSize, BinaryPrimitives.ReadUInt32BigEndian(source[12..]), salts, checksum);
        return WalFault.None;
    }

    /// <summary>Makes the header of a new WAL, with its checksum.</summary>
    public static WalHeader Create(bool isBigEndian, PageSize pageSize, uint sequence, WalSalts salts)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var header = new WalHeader(isBigEndian, pageSize, sequence, salts, default);
        header.Write(bytes);
        return header with { Checksum = default(WalChecksum).Append(bytes[..CheckedSize], isBigEndian) };
    }

    /// <summary>Writes the header to the first <see cref="Size"/> bytes of <paramref name="destination"/>.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, Magic | (IsBigEndian ? 1u : 0u));
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Version);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], (uint)PageSize.Bytes);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], Salts.Salt1);
        BinaryPrimitives.WriteUInt32BigEndian(destination[20..], Salts.Salt2);
        BinaryPrimitives.WriteUInt32BigEndian(destination[24..], Checksum.S0);
        BinaryPrimitives.WriteUInt32BigEndian(destination[28..], Checksum.S1);
    }
}
