using System.Buffers.Binary;
using System.Globalization;

namespace Tidemark.Formats.Database;

/// <summary>The rolling checksum of a whole database: the exclusive-or of the checksums of its pages. The order of pages does not
/// matter.</summary>
/// <remarks>
/// Bit 63 is always set in a stored checksum, so zero means "absent". The lock page contributes nothing. A database without pages has the
/// value <see cref="Empty"/>. See docs/format/ltx.md, "Checksums".
/// </remarks>
public readonly record struct DatabaseChecksum(ulong Value)
{
    /// <summary>Bit 63, which every stored checksum carries.</summary>
    public const ulong Flag = 1UL << 63;

    /// <summary>The checksum of a database without pages.</summary>
    public static DatabaseChecksum Empty => new(Flag);

    /// <summary>The checksum of one page: CRC-64 of the page number (32 bits, big-endian) and the page's bytes, with bit 63 set.</summary>
    public static ulong OfPage(uint pageNumber, ReadOnlySpan<byte> page)
    {
        Span<byte> number = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(number, pageNumber);
        return Flag | Crc64Iso.Append(Crc64Iso.Append(0, number), page);
    }

    /// <summary>Adds a page that was not there, or removes one that was: both are the same operation.</summary>
    public DatabaseChecksum Toggle(ulong pageChecksum) => new(Flag | (Value ^ pageChecksum));

    /// <summary>16 lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
