using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

public sealed class LtxWriterTests
{
    private static LtxHeader Increment => LtxSample.HeaderOf(512, commit: 9, minTxid: 4, maxTxid: 4);

    private static LtxHeader Snapshot => LtxSample.HeaderOf(512, commit: 3, minTxid: 1, maxTxid: 1);

    [Fact]
    public void The_number_of_cores_and_batches_does_not_change_the_file()
    {
        var sample = LtxSample.Small(pageSize: 4096, pageCount: 700);
        var expected = sample.Write();
        Assert.Equal(expected, sample.Write(parallelism: 3));

        var stream = new MemoryStream();
        using var writer = new LtxWriter(stream, sample.Header, parallelism: 2);
        for (var at = 0; at < 700; at += 7)
        {
            writer.WritePages(sample.PageNumbers.AsMemory(at, 7), sample.Pages.AsMemory(at * 4096, 7 * 4096));
        }

        Assert.Equal(700, writer.PageCount);
        writer.Complete();
        Assert.Equal(expected, stream.ToArray());
    }

    [Fact]
    public void Another_header_can_take_the_place_of_the_first()
    {
        var sample = LtxSample.Small(minTxid: 4);
        var final = sample.Header with
        {
            Commit = 5,
            TimestampMs = 77,
            Proof = new LtxProof(DatabaseChecksum.Empty, new DatabaseChecksum(DatabaseChecksum.Flag | 5)),
        };

        // The file need not begin where its stream does.
        var stream = new MemoryStream();
        stream.Write("before"u8);
        using (var writer = new LtxWriter(stream, sample.Header))
        {
            writer.WritePages(sample.PageNumbers, sample.Pages);
            writer.Complete(final);
            Assert.Equal(stream.Length, stream.Position);
        }

        stream.Write("after"u8);
        var bytes = stream.ToArray();
        Assert.StartsWith("before", System.Text.Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
        Assert.Equal((sample with { Header = final }).Write(), bytes[6..^5]);
    }

    [Fact]
    public void A_pipe_gets_its_file_in_order()
    {
        var sample = LtxSample.Small();
        var stream = new MemoryStream();
        using var writer = new LtxWriter(new PipeLikeStream(stream), sample.Header);
        writer.WritePages(sample.PageNumbers, sample.Pages);
        Assert.Throws<ArgumentException>(() => writer.Complete(sample.Header with { TimestampMs = 1 }));
        writer.Complete();
        Assert.Equal(sample.Write(), stream.ToArray());
    }

    [Fact]
    public void A_snapshot_leaves_out_the_lock_page()
    {
        var sequence = new LtxPageSequence(LtxSample.Size(65536), commit: 16386, isSnapshot: true);
        for (var number = 1u; number <= 16384; number++)
        {
            Assert.Equal(LtxFault.None, sequence.Accept(number));
        }

        Assert.Equal(LtxFault.None, sequence.End(16384));
        Assert.Equal(LtxFault.None, sequence.End(16385));
        Assert.Equal(LtxFault.MissingPage, sequence.End(16386));
        Assert.Equal(LtxFault.InvalidPageNumber, sequence.Accept(16385));
        Assert.Equal(LtxFault.None, sequence.Accept(16386));
        Assert.Equal(LtxFault.None, sequence.End(16386));
        Assert.Equal(LtxFault.InvalidPageNumber, sequence.End(16385));
    }

    [Fact]
    public void A_header_that_would_not_be_read_is_not_written()
    {
        Assert.Throws<ArgumentException>(() => New(Increment with { MinTxid = Txid.None }));
        Assert.Throws<ArgumentException>(() => New(Increment with { PageSize = default }));
        Assert.Throws<ArgumentException>(() => New(Increment with { PreApplyChecksum = 1 }));
        Assert.Throws<ArgumentException>(() => New(Increment with { Proof = new LtxProof(new DatabaseChecksum(1), null) }));
        Assert.Throws<ArgumentException>(() => New(Snapshot with { Proof = new LtxProof(DatabaseChecksum.Empty, null) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LtxWriter(new MemoryStream(), Increment, parallelism: 0));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(10u)]
    [InlineData(3u, 2u)]
    [InlineData(3u, 3u)]
    public void Pages_that_would_not_be_read_are_not_written(params uint[] pageNumbers)
    {
        using var writer = New(Increment);
        Assert.Throws<ArgumentException>(() => writer.WritePages(pageNumbers, new byte[512 * pageNumbers.Length]));
        writer.WritePages(new uint[] { 1 }, new byte[512]);
        Assert.Equal(1, writer.PageCount);
    }

    [Theory]
    [InlineData(2u)]
    [InlineData(1u, 3u)]
    public void A_snapshot_with_a_hole_is_not_written(params uint[] pageNumbers)
    {
        using var writer = New(Snapshot);
        Assert.Throws<ArgumentException>(() => writer.WritePages(pageNumbers, new byte[512 * pageNumbers.Length]));
    }

    [Fact]
    public void Pages_of_another_length_are_not_written()
    {
        using var writer = New(Increment);
        Assert.Throws<ArgumentException>(() => writer.WritePages(new uint[] { 1, 2 }, new byte[1023]));
    }

    [Fact]
    public void A_snapshot_that_lacks_pages_is_not_completed()
    {
        using var writer = New(Snapshot);
        writer.WritePages(new uint[] { 1, 2 }, new byte[1024]);
        Assert.Throws<InvalidOperationException>(writer.Complete);
        writer.WritePages(new uint[] { 3 }, new byte[512]);
        writer.Complete();
    }

    [Fact]
    public void A_final_header_must_fit_the_pages()
    {
        using var writer = New(Increment);
        writer.WritePages(new uint[] { 1, 7 }, new byte[1024]);
        Assert.Throws<ArgumentException>(() => writer.Complete(Increment with { Commit = 6 }));
        Assert.Throws<ArgumentException>(() => writer.Complete(Increment with { PageSize = LtxSample.Size(1024) }));
        Assert.Throws<ArgumentException>(() => writer.Complete(Increment with { MinTxid = Txid.First }));
        Assert.Throws<ArgumentException>(() => writer.Complete(Increment with { MaxTxid = Txid.First }));
        writer.Complete(Increment with { Commit = 7 });
    }

    [Fact]
    public void A_checksum_after_must_fit_the_header()
    {
        var tracked = Increment with { TracksChecksums = true, PreApplyChecksum = DatabaseChecksum.Flag };
        using var writer = New(tracked);
        Assert.Throws<ArgumentException>(writer.Complete);
        Assert.Throws<ArgumentException>(() => writer.Complete(tracked, 1));
        Assert.Throws<ArgumentException>(() => writer.Complete(Increment, DatabaseChecksum.Flag));
        Assert.Throws<ArgumentException>(() => writer.Complete(Increment with { Commit = 0 }));
        writer.Complete(tracked, DatabaseChecksum.Flag | 1);
    }

    [Fact]
    public void A_complete_file_takes_no_more()
    {
        using var writer = New(Increment);
        writer.Complete();
        Assert.Throws<InvalidOperationException>(() => writer.WritePages(new uint[] { 1 }, new byte[512]));
        Assert.Throws<InvalidOperationException>(writer.Complete);
    }

    [Fact]
    public void A_writer_whose_destination_has_failed_does_not_go_on()
    {
        var sample = LtxSample.Small(pageSize: 65536, pageCount: 40);
        var stream = new PipeLikeStream(new MemoryStream()) { IsFull = true };
        using var writer = new LtxWriter(stream, sample.Header);
        Assert.Throws<IOException>(() => writer.WritePages(sample.PageNumbers, sample.Pages));
        stream.IsFull = false;
        Assert.Throws<InvalidOperationException>(() => writer.WritePages(sample.PageNumbers, sample.Pages));
        Assert.Throws<InvalidOperationException>(writer.Complete);
    }

    [Fact]
    public void Writing_allocates_nothing_for_each_page()
    {
        var sample = LtxSample.Small(pageSize: 512, pageCount: 4000);
        using var writer = new LtxWriter(Stream.Null, sample.Header with { Commit = 8000, MinTxid = new Txid(2) });
        writer.WritePages(sample.PageNumbers, sample.Pages);
        var next = sample.PageNumbers.Select(number => number + 4000).ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        writer.WritePages(next, sample.Pages);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    private static LtxWriter New(LtxHeader header) => new(new MemoryStream(), header);

    private sealed class PipeLikeStream(Stream inner) : Stream
    {
        public bool IsFull { get; set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (IsFull)
            {
                throw new IOException("The disk is full.");
            }

            inner.Write(buffer);
        }
    }
}
