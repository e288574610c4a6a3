using System.Numerics;

namespace Tidemark.Replicas.Restore;

/// <summary>Which pages of a database are there already: one bit each. Not thread-safe.</summary>
internal sealed class PageSet
{
    private const int WordBits = 64;
    private readonly ulong[] _words;
    private readonly uint _pages;

    /// <summary>An empty set for a database of that many pages.</summary>
    public PageSet(uint pages)
    {
        _pages = pages;
        _words = new ulong[(pages + WordBits - 1L) / WordBits];
    }

    /// <summary>How many pages are in the set.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a page; false if it is there already or lies outside of the database.</summary>
    public bool TryAdd(uint page)
    {
        if (page == 0 || page > _pages)
        {
            return false;
        }

        ref var word = ref _words[(page - 1) / WordBits];
        var bit = 1UL << (int)((page - 1) % WordBits);
        if ((word & bit) != 0)
        {
            return false;
        }

        word |= bit;
        Count++;
        return true;
    }

    /// <summary>Whether a page is in the set.</summary>
    public bool Contains(uint page)
        => page > 0 && page <= _pages && (_words[(page - 1) / WordBits] & (1UL << (int)((page - 1) % WordBits))) != 0;

    /// <summary>The first page of the database that is not in the set, <paramref name="lockPage"/> aside; null if all are.</summary>
    public uint? FirstMissing(uint lockPage)
    {
        for (var i = 0; i < _words.Length; i++)
        {
            for (var missing = ~_words[i]; missing != 0; missing &= missing - 1)
            {
                var page = ((long)i * WordBits) + BitOperations.TrailingZeroCount(missing) + 1;
                if (page > _pages)
                {
                    return null;
                }

                if (page != lockPage)
                {
                    return (uint)page;
                }
            }
        }

        return null;
    }
}
