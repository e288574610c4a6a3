using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replication.Capture;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

public sealed class SpoolTests
{
    private readonly MemoryFileSystem _files = new();

    [Fact]
    public void The_bytes_of_captures_are_known_while_they_come_and_go_and_after_a_start()
    {
        using (var spool = Spool.Open(_files, "/spool"))
        {
            Write(spool, Level.Captured, 1, 1, 100);
            Write(spool, Level.Captured, 2, 2, 200);
            Write(spool, Level.Captured, 2, 2, 250); // written again
            Write(spool, Spool.Images, 1, 2, 5000);
            Write(spool, Level.Captured, 3, 3, 300);
            Assert.Equal(650, spool.CaptureBytes);
            Assert.Equal(5650, spool.SizeBytes);
            spool.DeleteUpTo(new Txid(1));
            Assert.Equal(550, spool.CaptureBytes);
        }

        using (var spool = Spool.Open(_files, "/spool"))
        {
            Assert.Equal(550, spool.CaptureBytes);
            Assert.Equal(5550, spool.SizeBytes);
            spool.DeleteImages(new Txid(2), static _ => false);
            Assert.Equal(550, spool.SizeBytes);
            spool.SetAside(Spool.CaptureOf(new Txid(2)));
            spool.SetAside(Spool.CaptureOf(new Txid(3)));
            Assert.Equal(0, spool.CaptureBytes);
        }
    }

    [Fact]
    public void A_new_spool_in_which_nothing_was_written_leaves_nothing()
    {
        Spool.Open(_files, "/data/spool").Dispose();
        Assert.False(_files.DirectoryExists("/data/spool"));
        Assert.True(_files.DirectoryExists("/data"));
    }

    [Fact]
    public void A_spool_that_was_there_or_holds_something_stays()
    {
        _files.CreateDirectory("/old");
        Spool.Open(_files, "/old").Dispose();
        Assert.True(_files.DirectoryExists("/old"));

        using (var spool = Spool.Open(_files, "/ancestors"))
        {
            spool.AddAncestor(new Lineage(7));
        }

        using (var spool = Spool.Open(_files, "/ancestors"))
        {
            Assert.True(spool.HasAncestor(new Lineage(7)));
        }

        using (var spool = Spool.Open(_files, "/images"))
        {
            Write(spool, Spool.Images, 1, 2, 500);
        }

        using (var spool = Spool.Open(_files, "/images"))
        {
            Assert.Single(spool.ListImages());
        }
    }

    [Fact]
    public void Beyond_its_budget_the_oldest_captures_are_dropped_and_images_stay()
    {
        using var spool = Spool.Open(_files, "/spool");
        Write(spool, Spool.Images, 1, 3, 5000);
        for (var txid = 1; txid <= 10; txid++)
        {
            Write(spool, Level.Captured, txid, txid, 100);
        }

        Assert.Empty(spool.DropOldest(new SpoolBudget(1000, 0), Txid.None));
        Assert.Equal([1, 2, 3, 4, 5, 6], spool.DropOldest(new SpoolBudget(900, 0), Txid.None).Select(name => (int)name.MaxTxid.Value));
        Assert.Equal([7, 8, 9, 10], spool.ListCaptures().Select(name => (int)name.MaxTxid.Value));
        Assert.Equal(400, spool.CaptureBytes);
        Assert.Equal([7, 8, 9], spool.DropOldest(new SpoolBudget(1, 0), Txid.None).Select(name => (int)name.MaxTxid.Value));
        Assert.Single(spool.ListImages());
    }

    [Fact]
    public void What_every_destination_holds_is_dropped_first_and_in_silence()
    {
        using var spool = Spool.Open(_files, "/spool");
        for (var txid = 1; txid <= 10; txid++)
        {
            Write(spool, Level.Captured, txid, txid, 100);
        }

        Assert.Empty(spool.DropOldest(new SpoolBudget(900, 0), new Txid(3)));
        Assert.Equal(4UL, spool.ListCaptures()[0].MinTxid.Value);
        Assert.Equal([5, 6, 7, 8], spool.DropOldest(new SpoolBudget(500, 0), new Txid(4)).Select(name => (int)name.MaxTxid.Value));
        Assert.Empty(spool.DropOldest(new SpoolBudget(1, 0), new Txid(10)));
        Assert.Equal([10], spool.ListCaptures().Select(name => (int)name.MaxTxid.Value));
    }

    [Fact]
    public void Of_damaged_files_the_newest_three_stay()
    {
        using var spool = Spool.Open(_files, "/spool");
        for (var txid = 1; txid <= 5; txid++)
        {
            Write(spool, Level.Captured, txid, txid, 100);
            spool.SetAside(Spool.CaptureOf(new Txid((ulong)txid)));
        }

        Assert.Equal(
            [3, 4, 5],
            Enumerable.Range(1, 5).Where(txid => _files.FileExists(spool.PathOf(Spool.CaptureOf(new Txid((ulong)txid))) + ".damaged")));
    }

    [Fact]
    public void An_image_stays_while_it_is_wanted_and_the_newest_one_until_everybody_is_past_it()
    {
        using var spool = Spool.Open(_files, "/spool");
        Write(spool, Level.Captured, 9, 9, 100);
        Write(spool, Spool.Images, 1, 9, 100);
        Write(spool, Spool.Images, 4, 9, 100);
        Write(spool, Spool.Images, 4, 10, 100);

        spool.DeleteImages(new Txid(9), image => image.MinTxid == new Txid(1));
        Assert.Equal(["1-9", "4-10"], spool.ListImages().Select(name => $"{name.MinTxid.Value}-{name.MaxTxid.Value}"));
        spool.DeleteImages(Txid.None, static _ => false);
        Assert.Equal(["4-10"], spool.ListImages().Select(name => $"{name.MinTxid.Value}-{name.MaxTxid.Value}"));

        Write(spool, Spool.Images, 1, 9, 100);
        spool.DeleteImages([.. spool.ListImages().Where(name => name.MaxTxid > new Txid(9))]);
        _files.Restart(PowerLoss.Everything);
        Assert.Equal(["1-9"], spool.ListImages().Select(name => $"{name.MinTxid.Value}-{name.MaxTxid.Value}"));
        Assert.Single(spool.ListCaptures());
    }

    private static void Write(Spool spool, Level level, int min, int max, int size) => spool.Publish(level, (content, _) =>
    {
        content.Write(new byte[size]);
        return new LtxFileName(new Txid((ulong)min), new Txid((ulong)max));
    });
}
