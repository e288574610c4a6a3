using CsCheck;
using Tidemark.Replicas.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

public sealed class PageSetTests
{
    [Fact]
    public void A_page_is_added_once_and_only_if_it_is_in_the_database()
    {
        var pages = new PageSet(64);
        Assert.True(pages.TryAdd(1));
        Assert.True(pages.TryAdd(64));
        Assert.False(pages.TryAdd(1));
        Assert.False(pages.TryAdd(0));
        Assert.False(pages.TryAdd(65));
        Assert.False(pages.TryAdd(uint.MaxValue));
        Assert.Equal(2, pages.Count);
    }

    [Fact]
    public void The_first_missing_page_is_found_and_the_lock_page_is_not_missed()
        => Gen.Select(Gen.UInt[0, 200], Gen.UInt[1, 200], Gen.UInt[1, 200].Array[0, 5]).Sample((size, lockPage, missing) =>
        {
            var pages = new PageSet(size);
            uint[] expected = [.. Enumerable.Range(1, (int)size).Select(page => (uint)page)
                .Where(page => page == lockPage || missing.Contains(page))];
            for (var page = 1U; page <= size; page++)
            {
                if (!expected.Contains(page))
                {
                    pages.TryAdd(page);
                }
            }

            return pages.FirstMissing(lockPage) == expected.Where(page => page != lockPage).Select(page => (uint?)page).FirstOrDefault();
        });
}
