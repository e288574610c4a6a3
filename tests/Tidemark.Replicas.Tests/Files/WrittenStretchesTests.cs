using Tidemark.Replicas.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Files;

public sealed class WrittenStretchesTests
{
    private const int Size = WrittenStretches.SizeBytes;
    private const int Page = 4096;

    private readonly WrittenStretches _written = new();
    private readonly List<long> _full = [];

    [Fact]
    public void A_stretch_is_full_when_all_of_it_was_written_in_whatever_order()
    {
        for (var offset = Size; offset < 2 * Size; offset += 2 * Page)
        {
            Add(offset, Page);
        }

        for (var offset = (2 * Size) - Page; offset > Size + Page; offset -= 2 * Page)
        {
            Add(offset, Page);
        }

        Assert.Empty(_full);
        Add(Size + Page, Page);
        Assert.Equal([Size], _full);
    }

    [Fact]
    public void A_write_counts_for_each_stretch_that_it_touches()
    {
        Add(10, 3 * Size);
        Assert.Equal([Size, 2L * Size], _full);
        Add((3L * Size) + 10, Size - 10);
        Add(0, 10);
        Assert.Equal([Size, 2L * Size, 3L * Size, 0], _full);
    }

    private void Add(long offset, int length) => _written.Add(offset, length, _full.Add);
}
