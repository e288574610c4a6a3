using System.Buffers.Binary;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>An orderly end as it lies in the spool: one record of 96 bytes, little-endian.</summary>
/// <remarks>
/// <code>
///   0       4         8      16         24               28         32       40       48     56         64        72     88      96
///   +-------+---------+------+----------+----------------+----------+--------+--------+------+----------+---------+------+-------+
///   | magic | version | txid | checksum | change counter | reserved | device | number | size | modified | changed | boot | crc64 |
///   +-------+---------+------+----------+----------------+----------+--------+--------+------+----------+---------+------+-------+
/// </code>
/// The CRC covers all bytes before it: a record that is torn is not believed.
/// </remarks>
internal static class OrderlyEndRecord
{
    public const int Size = 96;

    private const uint Magic = 0x454d4454; // "TDME"
    private const uint Version = 1;

    /// <summary>Reads a record; null when it is torn, of another version, or no record at all.</summary>
    public static OrderlyEnd? TryRead(ReadOnlySpan<byte> source)
    {
        if (source.Length < Size
            || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Version
            || BinaryPrimitives.ReadUInt64LittleEndian(source[88..]) != Crc64Iso.Append(0, source[..88]))
        {
            return null;
        }

        return new OrderlyEnd(
            new Txid(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])),
            new DatabaseChecksum(BinaryPrimitives.ReadUInt64LittleEndian(source[16..])),
            BinaryPrimitives.ReadUInt32LittleEndian(source[24..]),
            new FileStamp(
                BinaryPrimitives.ReadUInt64LittleEndian(source[32..]),
                BinaryPrimitives.ReadUInt64LittleEndian(source[40..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[48..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[56..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[64..]),
                BinaryPrimitives.ReadUInt128LittleEndian(source[72..])));
    }

    /// <summary>Writes a record of <see cref="Size"/> bytes.</summary>
    public static void Write(Span<byte> destination, OrderlyEnd end)
    {
        destination[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], end.Txid.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], end.Checksum.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[24..], end.ChangeCounter);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[32..], end.Stamp.Device);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[40..], end.Stamp.Number);
        BinaryPrimitives.WriteInt64LittleEndian(destination[48..], end.Stamp.SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(destination[56..], end.Stamp.ModifiedNs);
        BinaryPrimitives.WriteInt64LittleEndian(destination[64..], end.Stamp.ChangedNs);
        BinaryPrimitives.WriteUInt128LittleEndian(destination[72..], end.Stamp.Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[88..], Crc64Iso.Append(0, destination[..88]));
    }
}
