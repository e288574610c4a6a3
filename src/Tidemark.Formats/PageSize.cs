using System.Globalization;
using System.Numerics;

namespace Tidemark.Formats;

/// <summary>The size of the pages of one database: a power of two from 512 to 65,536 bytes.</summary>
/// <remarks>
/// Only <see cref="TryFromBytes"/> makes one, so a value that is not the default needs no further check. The default value means "not
/// known". Page numbers count from 1. See https://www.sqlite.org/fileformat2.html#page_size.
/// </remarks>
public readonly record struct PageSize
{
    /// <summary>The smallest page size, in bytes.</summary>
    public const int BytesMin = 512;

    /// <summary>The largest page size, in bytes.</summary>
    public const int BytesMax = 65536;

    private PageSize(int bytes) => Bytes = bytes;

    /// <summary>Bytes of a page, or 0 for the default value.</summary>
    public int Bytes { get; }

    /// <summary>The page that holds SQLite's lock bytes (offset 0x40000000), which is never replicated.</summary>
    /// <remarks>See https://www.sqlite.org/fileformat2.html#the_lock_byte_page.</remarks>
    public uint LockPage => (uint)(0x4000_0000 / Bytes) + 1;

    /// <summary>Makes a page size; false if the number is not one.</summary>
    public static bool TryFromBytes(long bytes, out PageSize pageSize)
    {
        var isValid = bytes is >= BytesMin and <= BytesMax && BitOperations.IsPow2(bytes);
        pageSize = isValid ? new PageSize((int)bytes) : default;
        return isValid;
    }

    /// <summary>Offset of a page in the database file, in bytes.</summary>
    public long OffsetOf(uint pageNumber) => (pageNumber - 1L) * Bytes;

    /// <summary>How many pages a complete image of a database of <paramref name="commit"/> pages carries: all but the lock page.</summary>
    public uint PagesOfImage(uint commit) => commit >= LockPage ? commit - 1 : commit;

    /// <inheritdoc/>
    public override string ToString() => Bytes.ToString(CultureInfo.InvariantCulture);
}
