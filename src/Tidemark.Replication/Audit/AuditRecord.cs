using System.Buffers.Binary;
using Tidemark.Formats;
using Tidemark.Replication.Health;

namespace Tidemark.Replication.Audit;

/// <summary>What is kept of audits from one run to the next: one record of 80 bytes, little-endian.</summary>
/// <remarks>
/// <code>
///   0       4         8      12        16           24     32         40         48      56          64         72      80
///   +-------+---------+------+---------+------------+------+----------+----------+-------+-----------+----------+-------+
///   | magic | version | bits | outcome | first txid | txid | started  | finished | pages | different | since    | crc64 |
///   +-------+---------+------+---------+------------+------+----------+----------+-------+-----------+----------+-------+
/// </code>
/// Bits: 1 = there was an audit, 2 = a run has begun that has not ended in order. Times are .NET ticks (UTC). The CRC covers all bytes
/// before it: a record that is torn is not believed.
/// </remarks>
/// <param name="Last">The last audit, or null before the first.</param>
/// <param name="Since">From when the interval counts before the first audit.</param>
/// <param name="IsOpen">Whether a run has begun that has not ended in order.</param>
internal sealed record AuditRecord(AuditStatus? Last, DateTimeOffset Since, bool IsOpen)
{
    public const int Size = 80;

    private const uint Magic = 0x414d4454; // "TDMA"
    private const uint Version = 1;
    private const uint HasLast = 1;
    private const uint OpenBit = 2;

    /// <summary>Reads a record; null when it is torn, of another version, or no record at all.</summary>
    public static AuditRecord? TryRead(ReadOnlySpan<byte> source)
    {
        if (source.Length < Size
            || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Version
            || BinaryPrimitives.ReadUInt64LittleEndian(source[72..]) != Crc64Iso.Append(0, source[..72]))
        {
            return null;
        }

        var bits = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        var last = (bits & HasLast) == 0 ? null : new AuditStatus(
            (AuditOutcome)BinaryPrimitives.ReadUInt32LittleEndian(source[12..]),
            new Txid(BinaryPrimitives.ReadUInt64LittleEndian(source[16..])),
            new Txid(BinaryPrimitives.ReadUInt64LittleEndian(source[24..])),
            ReadTime(source[32..]),
            ReadTime(source[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[48..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[56..]));
        return new AuditRecord(last, ReadTime(source[64..]), (bits & OpenBit) != 0);
    }

    /// <summary>Writes a record of <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], (Last is null ? 0 : HasLast) | (IsOpen ? OpenBit : 0));
        if (Last is { } last)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], (uint)last.Outcome);
            BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], last.FirstTxid.Value);
            BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], last.Txid.Value);
            BinaryPrimitives.WriteInt64LittleEndian(destination[32..], last.Started.UtcTicks);
            BinaryPrimitives.WriteInt64LittleEndian(destination[40..], last.Finished.UtcTicks);
            BinaryPrimitives.WriteInt64LittleEndian(destination[48..], last.PageCount);
            BinaryPrimitives.WriteInt64LittleEndian(destination[56..], last.DifferentPages);
        }

        BinaryPrimitives.WriteInt64LittleEndian(destination[64..], Since.UtcTicks);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[72..], Crc64Iso.Append(0, destination[..72]));
    }

    private static DateTimeOffset ReadTime(ReadOnlySpan<byte> source)
        => new(BinaryPrimitives.ReadInt64LittleEndian(source), TimeSpan.Zero);
}
