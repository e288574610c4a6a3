using Tidemark.Formats.Tests.Ltx;

namespace Tidemark.Formats.Tests;

public sealed class PageSizeTests
{
    [Fact]
    public void Powers_of_two_from_512_to_65536_are_page_sizes_and_nothing_else()
    {
        var valid = Enumerable.Range(-1, 200_000).Where(bytes => PageSize.TryFromBytes(bytes, out _));
        Assert.Equal([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536], valid);
        Assert.False(PageSize.TryFromBytes(long.MinValue, out _));
        Assert.False(PageSize.TryFromBytes((1L << 32) + 512, out _));
    }

    [Fact]
    public void A_page_lies_behind_those_before_it_however_large_the_database_is()
    {
        Assert.Equal(0, LtxSample.Size(512).OffsetOf(1));
        Assert.Equal((uint.MaxValue - 1L) * 65536, LtxSample.Size(65536).OffsetOf(uint.MaxValue));
    }

    [Fact]
    public void A_complete_image_leaves_out_the_lock_page()
    {
        var pageSize = LtxSample.Size(65536);
        Assert.Equal(16384u, pageSize.PagesOfImage(16384));
        Assert.Equal(16384u, pageSize.PagesOfImage(16385));
        Assert.Equal(16385u, pageSize.PagesOfImage(16386));
    }
}
