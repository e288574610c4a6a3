namespace Tidemark.Formats.Wal;

/// <summary>Which frame holds the newest version of each page: built from frames in their order, then read in the order of pages.</summary>
/// <remarks>
/// Eight bytes a frame, growing in steps of 8 MB beyond the first million, so that a transaction of millions of frames costs little more
/// than it must. Not thread-safe.
/// </remarks>
public sealed class WalPageMap
{
    private const int FirstCapacity = 256;

    // The page number is the upper half, so that sorting the numbers sorts by page and then by age.
    private ulong[] _entries = new ulong[FirstCapacity];

    /// <summary>Entries that were added, or after <see cref="Seal"/> the number of different pages.</summary>
    public int Count { get; private set; }

    /// <summary>Sorted by page number, one entry for each page; only after <see cref="Seal"/>.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    public (uint PageNumber, uint Frame) this[int index]
    {
        get
        {
            // The memory behind the entries holds those that were dropped, so its own bounds are not enough.
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return ((uint)(_entries[index] >> 32), (uint)_entries[index]);
        }
    }

    /// <summary>Notes that <paramref name="frame"/> holds a version of the page. Frames are added in ascending order.</summary>
    public void Add(uint pageNumber, uint frame)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count < 1 << 20 ? Count * 2 : Count + (1 << 20));
        }

        _entries[Count++] = ((ulong)pageNumber << 32) | frame;
    }

    /// <summary>Forgets the entries after the first <paramref name="count"/>: those of a transaction that is not complete. Only before
    /// <see cref="Seal"/>.</summary>
    public void Truncate(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Count, nameof(count));
        Count = count;
    }

    /// <summary>Empties the map for another use.</summary>
    public void Clear() => Count = 0;

    /// <summary>Sorts by page, keeps the newest frame of each page, and drops pages above <paramref name="commit"/> and the lock
    /// page.</summary>
    public void Seal(uint commit, uint lockPage)
    {
        var entries = _entries.AsSpan(0, Count);
        entries.Sort();
        var kept = 0;
        for (var i = 0; i < entries.Length; i++)
        {
            var pageNumber = (uint)(entries[i] >> 32);
            if (pageNumber > commit)
            {
                break;
            }

            var isNewest = i + 1 == entries.Length || (uint)(entries[i + 1] >> 32) != pageNumber;
            if (isNewest && pageNumber != lockPage)
            {
                entries[kept++] = entries[i];
            }
        }

        Count = kept;
    }
}
