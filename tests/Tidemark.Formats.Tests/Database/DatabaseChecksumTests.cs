using Tidemark.Formats.Database;
using Tidemark.Formats.Tests.Ltx;

namespace Tidemark.Formats.Tests.Database;

public sealed class DatabaseChecksumTests
{
    [Fact]
    public void The_order_of_pages_does_not_matter()
        => Gen.ULong.Array[0, 50].Sample(pages =>
        {
            var shuffled = pages.ToArray();
            new Random(pages.Length).Shuffle(shuffled);
            Assert.Equal(Sum(pages), Sum(shuffled));
        });

    [Fact]
    public void A_page_that_is_added_and_removed_leaves_no_trace()
        => Gen.Select(Gen.ULong, Gen.ULong).Sample((start, page) =>
        {
            var checksum = new DatabaseChecksum(DatabaseChecksum.Flag | start);
            Assert.Equal(checksum, checksum.Toggle(page).Toggle(page));
        });

    [Fact]
    public void Bit_63_is_always_set()
    {
        Assert.Equal(DatabaseChecksum.Flag, DatabaseChecksum.Empty.Value);
        Gen.ULong.Sample(page => Assert.True(DatabaseChecksum.Empty.Toggle(page).Value >= DatabaseChecksum.Flag));
        for (var page = 1u; page <= 50; page++)
        {
            Assert.True(DatabaseChecksum.OfPage(page, LtxForge.Page(page)) >= DatabaseChecksum.Flag);
        }
    }

    private static DatabaseChecksum Sum(ulong[] pages) => pages.Aggregate(DatabaseChecksum.Empty, (sum, page) => sum.Toggle(page));
}
