using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Tests.Wal;

public sealed class WalPageMapTests
{
    [Fact]
    public void The_newest_frame_of_each_page_wins()
        => Gen.UInt[1, 40].Array[0, 2000].Sample(pageNumbers =>
        {
            const uint commit = 35;
            const uint lockPage = 7;
            var map = new WalPageMap();
            var expected = new SortedDictionary<uint, uint>();
            for (var frame = 1u; frame <= pageNumbers.Length; frame++)
            {
                var pageNumber = pageNumbers[frame - 1];
                map.Add(pageNumber, frame);
                if (pageNumber is <= commit and not lockPage)
                {
                    expected[pageNumber] = frame;
                }
            }

            map.Seal(commit, lockPage);
            Assert.Equal(expected.Select(page => (page.Key, page.Value)), Entries(map));
        });

    [Fact]
    public void An_incomplete_transaction_can_be_forgotten()
    {
        var map = new WalPageMap();
        map.Add(3, 1);
        map.Add(1, 2);
        var complete = map.Count;
        map.Add(3, 3);
        map.Truncate(complete);
        map.Seal(commit: 10, lockPage: 100);
        Assert.Equal([(1u, 2u), (3u, 1u)], Entries(map));
    }

    [Fact]
    public void An_emptied_map_can_be_used_again()
    {
        var map = new WalPageMap();
        map.Add(3, 1);
        map.Seal(commit: 10, lockPage: 100);
        map.Clear();
        map.Add(2, 1);
        map.Seal(commit: 10, lockPage: 100);
        Assert.Equal([(2u, 1u)], Entries(map));
    }

    [Fact]
    public void What_was_never_added_cannot_be_kept()
    {
        var map = new WalPageMap();
        map.Add(3, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => map.Truncate(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => map.Truncate(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => map[1]);
    }

    private static List<(uint PageNumber, uint Frame)> Entries(WalPageMap map) => [.. Enumerable.Range(0, map.Count).Select(i => map[i])];
}
