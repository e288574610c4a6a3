using System.Runtime.InteropServices;

namespace Tidemark.Formats.Ltx;

/// <summary>Which pages a file holds, and where. Immutable once it is read, so safe to use from several threads.</summary>
/// <remarks>Frames follow each other without gaps, so a page costs 12 bytes: its number and where its frame begins.</remarks>
public sealed class LtxPageIndex
{
    private readonly List<uint> _pageNumbers = [];
    private readonly List<long> _offsets = [];
    private long _end = LtxHeader.Size;

    internal LtxPageIndex()
    {
    }

    /// <summary>How many pages the file holds.</summary>
    public int Count => _pageNumbers.Count;

    /// <summary>The page numbers, ascending.</summary>
    public ReadOnlySpan<uint> PageNumbers => CollectionsMarshal.AsSpan(_pageNumbers);

    /// <summary>Where the last frame ends, in bytes from the start of the file.</summary>
    internal long End => _end;

    /// <summary>Where the frame of the page at <paramref name="index"/> in <see cref="PageNumbers"/> lies.</summary>
    public LtxFrameLocation LocationAt(int index)
    {
        var end = index + 1 < Count ? _offsets[index + 1] : _end;
        return new LtxFrameLocation(_offsets[index], (int)(end - _offsets[index]));
    }

    /// <summary>Finds the frame of a page; false when the file does not hold the page.</summary>
    public bool TryFind(uint pageNumber, out LtxFrameLocation location)
    {
        var index = PageNumbers.BinarySearch(pageNumber);
        location = index >= 0 ? LocationAt(index) : default;
        return index >= 0;
    }

    internal void Add(uint pageNumber, int length)
    {
        _pageNumbers.Add(pageNumber);
        _offsets.Add(_end);
        _end += length;
    }
}
