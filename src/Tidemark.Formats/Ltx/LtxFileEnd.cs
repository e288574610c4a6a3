using System.Buffers.Binary;
using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>What follows the entries of the page index: its size, and the trailer.</summary>
internal static class LtxFileEnd
{
    /// <summary>Bytes of the end.</summary>
    public const int Size = sizeof(ulong) + LtxTrailer.Size;

    /// <summary>Writes the end, which completes the file checksum.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <param name="crc">CRC-64 of the file's logical stream up to here.</param>
    /// <param name="indexLength">Bytes of the index, with the zero that ends it.</param>
    /// <param name="postApplyChecksum">The standard checksum-after field; 0 when absent.</param>
    public static void Write(Span<byte> destination, ulong crc, long indexLength, ulong postApplyChecksum)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination, indexLength);
        BinaryPrimitives.WriteUInt64BigEndian(destination[sizeof(ulong)..], postApplyChecksum);
        crc = Crc64Iso.Append(crc, destination[..(sizeof(ulong) + LtxTrailer.CheckedSize)]);
        new LtxTrailer(postApplyChecksum, DatabaseChecksum.Flag | crc).Write(destination[sizeof(ulong)..]);
    }
}
