using System.Buffers.Binary;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Capture;

/// <summary>The position as it lies in the spool: one record of 96 bytes, little-endian, overwritten in place after every
/// capture.</summary>
/// <remarks>
/// <code>
///   0       4         8      16          20      24      28      32      36     40   44   48         56        64         88      96
///   +-------+---------+------+-----------+-------+-------+-------+-------+------+----+----+----------+---------+----------+-------+
///   | magic | version | txid | page size | pages | salt1 | salt2 | frame | bits | s0 | s1 | checksum | lineage | reserved | crc64 |
///   +-------+---------+------+-----------+-------+-------+-------+-------+------+----+----+----------+---------+----------+-------+
/// </code>
/// Bits: 1 = the frame checksum (s0, s1) is known, 2 = the database checksum is known. The record is not synced: after a loss of power it
/// may be old or torn, and is then not believed (see <see cref="PositionRecovery"/>). The CRC covers all bytes before it.
/// </remarks>
internal static class PositionRecord
{
    public const int Size = 96;

    private const uint Magic = 0x504d4454; // "TDMP"
    private const uint Version = 1;
    private const uint FrameChecksumIsKnown = 1;
    private const uint DatabaseChecksumIsKnown = 2;

    /// <summary>Reads a record; null when it is torn, of another version, or no record at all.</summary>
    public static Position? TryRead(ReadOnlySpan<byte> source)
    {
        if (source.Length < Size
            || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Version
            || BinaryPrimitives.ReadUInt64LittleEndian(source[88..]) != Crc64Iso.Append(0, source[..88])
            || !PageSize.TryFromBytes(BinaryPrimitives.ReadUInt32LittleEndian(source[16..]), out var pageSize))
        {
            return null;
        }

        var bits = BinaryPrimitives.ReadUInt32LittleEndian(source[36..]);
        return new Position(
            new Txid(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])),
            pageSize,
            BinaryPrimitives.ReadUInt32LittleEndian(source[20..]),
            new WalSalts(BinaryPrimitives.ReadUInt32LittleEndian(source[24..]), BinaryPrimitives.ReadUInt32LittleEndian(source[28..])),
            BinaryPrimitives.ReadUInt32LittleEndian(source[32..]),
            (bits & FrameChecksumIsKnown) != 0
                ? new WalChecksum(
                    BinaryPrimitives.ReadUInt32LittleEndian(source[40..]), BinaryPrimitives.ReadUInt32LittleEndian(source[44..]))
                : null,
            (bits & DatabaseChecksumIsKnown) != 0 ? new DatabaseChecksum(BinaryPrimitives.ReadUInt64LittleEndian(source[48..])) : null,
            new Lineage(BinaryPrimitives.ReadUInt64LittleEndian(source[56..])));
    }

    /// <summary>Writes a record of <see cref="Size"/> bytes.</summary>
    public static void Write(Span<byte> destination, Position position)
    {
        destination[..Size].Clear();
        var bits = (position.FrameChecksum is null ? 0 : FrameChecksumIsKnown) | (position.Checksum is null ? 0 : DatabaseChecksumIsKnown);
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], position.Txid.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[16..], (uint)position.PageSize.Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[20..], position.PageCount);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[24..], position.Salts.Salt1);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[28..], position.Salts.Salt2);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[32..], position.Frame);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[36..], bits);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[40..], position.FrameChecksum?.S0 ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[44..], position.FrameChecksum?.S1 ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[48..], position.Checksum?.Value ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[56..], position.Lineage.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[88..], Crc64Iso.Append(0, destination[..88]));
    }
}
