using System.Buffers.Binary;
using Tidemark.Formats;

namespace Tidemark.Replicas.Follow;

/// <summary>SQLite's rollback journal, byte by byte.</summary>
/// <remarks>
/// <code>
///   0    8         12      16              20           24          28
///   +----+---------+-------+---------------+------------+-----------+ - - -
///   |magic| records | nonce | size in pages | sector size| page size |      Big-endian; padded to one sector.
///   +----+---------+-------+---------------+------------+-----------+ - - -
///   record: page number (4), content, checksum (4)
/// </code>
/// https://www.sqlite.org/fileformat2.html#the_rollback_journal
/// </remarks>
internal static class JournalFormat
{
    public const int MagicSize = 8;
    public const int StartSize = 12;
    public const int HeaderSize = 28;
    public const int SectorSize = 512;
    public const int SectorSizeMax = 65536;
    public const int NonceOffset = 12;
    public const int PagesOffset = 16;
    public const int SectorSizeOffset = 20;
    public const int PageSizeOffset = 24;
    public const int NumberSize = sizeof(uint);
    private const int ChecksumStride = 200;

    /// <summary>How a header begins. A journal that begins with zero is not taken for one that must be rolled back.</summary>
    public static ReadOnlySpan<byte> Magic => [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

    /// <summary>Size of a record.</summary>
    public static int RecordSize(PageSize pageSize) => pageSize.Bytes + (2 * NumberSize);

    /// <summary>The checksum of a page: the nonce and every 200th byte, counted from the end.</summary>
    public static uint Checksum(uint nonce, ReadOnlySpan<byte> page)
    {
        var sum = nonce;
        for (var i = page.Length - ChecksumStride; i > 0; i -= ChecksumStride)
        {
            sum += page[i];
        }

        return sum;
    }

    /// <summary>Writes a record.</summary>
    public static void WriteRecord(Span<byte> destination, uint nonce, uint pageNumber, ReadOnlySpan<byte> page)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, pageNumber);
        page.CopyTo(destination[NumberSize..]);
        BinaryPrimitives.WriteUInt32BigEndian(destination[(NumberSize + page.Length)..], Checksum(nonce, page));
    }
}
