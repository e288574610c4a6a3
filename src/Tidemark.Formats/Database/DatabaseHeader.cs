using System.Buffers.Binary;

namespace Tidemark.Formats.Database;

/// <summary>What the first page of a SQLite database says of the whole file.</summary>
/// <remarks>See https://www.sqlite.org/fileformat2.html#the_database_header.</remarks>
/// <param name="PageSize">Size of the pages.</param>
/// <param name="Pages">Size of the database in pages; null when the writer did not keep it up to date.</param>
public readonly record struct DatabaseHeader(PageSize PageSize, uint? Pages)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 100;

    private const int PageSizeOffset = 16;
    private const int ChangeCounterOffset = 24;
    private const int PagesOffset = 28;
    private const int VersionValidForOffset = 92;

    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    /// <summary>Reads a header.</summary>
    /// <returns>False when it is cut off or not that of a SQLite database.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out DatabaseHeader header)
    {
        header = default;
        if (source.Length < Size || !source.StartsWith(Magic))
        {
            return false;
        }

        // 65,536 does not fit into the two bytes and stands as 1.
        int bytes = BinaryPrimitives.ReadUInt16BigEndian(source[PageSizeOffset..]);
        if (!PageSize.TryFromBytes(bytes == 1 ? PageSize.BytesMax : bytes, out var pageSize))
        {
            return false;
        }

        var pages = BinaryPrimitives.ReadUInt32BigEndian(source[PagesOffset..]);
        var isValid = pages != 0
            && source.Slice(ChangeCounterOffset, sizeof(uint)).SequenceEqual(source.Slice(VersionValidForOffset, sizeof(uint)));
        header = new DatabaseHeader(pageSize, isValid ? pages : null);
        return true;
    }
}
