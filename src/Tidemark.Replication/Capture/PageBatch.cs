using System.Buffers;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;

namespace Tidemark.Replication.Capture;

/// <summary>About a megabyte of pages on their way into a file, with their numbers. The buffers are rented and reused. Not
/// thread-safe.</summary>
internal sealed class PageBatch : IDisposable
{
    private const int BytesMax = 1 << 20;

    private readonly int _pageBytes;
    private readonly uint[] _numbers;
    private readonly byte[] _pages;

    public PageBatch(PageSize pageSize)
    {
        _pageBytes = pageSize.Bytes;
        Capacity = Math.Max(1, BytesMax / _pageBytes);
        _numbers = ArrayPool<uint>.Shared.Rent(Capacity);
        _pages = ArrayPool<byte>.Shared.Rent(Capacity * _pageBytes);
    }

    /// <summary>How many pages fit.</summary>
    public int Capacity { get; }

    /// <summary>How many pages there are.</summary>
    public int Count { get; private set; }

    /// <summary>True when the next page needs another batch.</summary>
    public bool IsFull => Count == Capacity;

    public ReadOnlySpan<uint> Numbers => _numbers.AsSpan(0, Count);

    /// <summary>Adds a page whose bytes are filled in later.</summary>
    public void Add(uint pageNumber) => _numbers[Count++] = pageNumber;

    /// <summary>The bytes of consecutive entries.</summary>
    public Span<byte> Pages(int index, int count) => _pages.AsSpan(index * _pageBytes, count * _pageBytes);

    /// <summary>Moves an entry to a lower place; the entries between are dropped.</summary>
    public void Keep(int index, int place)
    {
        if (index != place)
        {
            _numbers[place] = _numbers[index];
            Pages(index, 1).CopyTo(Pages(place, 1));
        }
    }

    /// <summary>Drops the entries from <paramref name="count"/> on.</summary>
    public void Truncate(int count) => Count = count;

    /// <summary>Writes the pages to a file and empties the batch.</summary>
    public void WriteTo(LtxWriter writer)
    {
        if (Count > 0)
        {
            writer.WritePages(_numbers.AsMemory(0, Count), _pages.AsMemory(0, Count * _pageBytes));
            Count = 0;
        }
    }

    public void Dispose()
    {
        ArrayPool<uint>.Shared.Return(_numbers);
        ArrayPool<byte>.Shared.Return(_pages);
    }
}
