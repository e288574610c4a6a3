using System.Buffers.Binary;

namespace Tidemark.Replicas.Follow;

/// <summary>What the follower says in the header on the first page of a database.</summary>
/// <remarks>https://www.sqlite.org/fileformat2.html#the_database_header</remarks>
internal static class FirstPage
{
    private const int WriteVersionOffset = 18;
    private const int ReadVersionOffset = 19;
    private const int ChangeCounterOffset = 24;
    private const int PagesOffset = 28;
    private const int VersionValidForOffset = 92;
    private const byte RollbackMode = 1;

    /// <summary>The number that tells readers whether what they have in their caches is still right.</summary>
    public static uint ChangeCounter(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt32BigEndian(page[ChangeCounterOffset..]);

    /// <summary>Writes what makes a page of the source one of the follower.</summary>
    /// <param name="page">The first page.</param>
    /// <param name="changeCounter">A number that the database did not have before.</param>
    /// <param name="pages">Size of the database in pages, which readers believe since the number says that it is valid.</param>
    public static void Stamp(Span<byte> page, uint changeCounter, uint pages)
    {
        // Readers need no WAL, and see by their locks when pages change.
        page[WriteVersionOffset] = RollbackMode;
        page[ReadVersionOffset] = RollbackMode;
        BinaryPrimitives.WriteUInt32BigEndian(page[ChangeCounterOffset..], changeCounter);
        BinaryPrimitives.WriteUInt32BigEndian(page[PagesOffset..], pages);
        BinaryPrimitives.WriteUInt32BigEndian(page[VersionValidForOffset..], changeCounter);
    }
}
