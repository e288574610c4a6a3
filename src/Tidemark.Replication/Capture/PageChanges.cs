using System.Runtime.InteropServices;
using Tidemark.Formats.Database;

namespace Tidemark.Replication.Capture;

/// <summary>Follows the rolling checksum through the changed pages of one capture, and remembers their new checksums until the capture is
/// durable.</summary>
/// <remarks>Twelve bytes a changed page. Does nothing when there is no table to start from.</remarks>
internal sealed class PageChanges : IDisposable
{
    private readonly PageChecksums? _table;
    private readonly PageChecksums.Cursor? _cursor;
    private readonly uint _oldPageCount;
    private readonly List<uint> _numbers = [];
    private readonly List<ulong> _checksums = [];

    /// <summary>Starts from a position.</summary>
    /// <param name="table">Its page checksums, or null when they are not known.</param>
    /// <param name="position">The position.</param>
    public PageChanges(PageChecksums? table, Position position)
    {
        _table = position.Checksum is null ? null : table;
        _oldPageCount = position.PageCount;
        if (_table is not null)
        {
            _cursor = new PageChecksums.Cursor(_table);
            (Before, After) = (position.Checksum, position.Checksum);
        }
    }

    /// <summary>The checksum of the database at the position, or null when it is not known.</summary>
    public DatabaseChecksum? Before { get; }

    /// <summary>The checksum after all changes so far, or null when it is not known.</summary>
    public DatabaseChecksum? After { get; private set; }

    /// <summary>The changed pages.</summary>
    public ReadOnlySpan<uint> Numbers => CollectionsMarshal.AsSpan(_numbers);

    /// <summary>Their new checksums.</summary>
    public ReadOnlySpan<ulong> Checksums => CollectionsMarshal.AsSpan(_checksums);

    /// <summary>A page has new content. In ascending order of pages.</summary>
    public void Add(uint pageNumber, ReadOnlySpan<byte> page)
    {
        if (After is not { } after)
        {
            return;
        }

        var checksum = DatabaseChecksum.OfPage(pageNumber, page);
        if (pageNumber <= _oldPageCount)
        {
            after = after.Toggle(_cursor!.Get(pageNumber));
        }

        After = after.Toggle(checksum);
        _numbers.Add(pageNumber);
        _checksums.Add(checksum);
    }

    /// <summary>The database ends at <paramref name="pageCount"/> now. After all pages.</summary>
    public void Truncate(uint pageCount)
    {
        if (After is { } after && pageCount < _oldPageCount)
        {
            After = _table!.Toggle(after, pageCount + 1, _oldPageCount);
        }
    }

    public void Dispose() => _cursor?.Dispose();
}
