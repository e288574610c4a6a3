using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

public sealed class LtxRandomReaderTests
{
    [Fact]
    public void Any_page_of_what_is_written_can_be_read_alone()
        => LtxSample.Gen.Sample(
            sample =>
            {
                var reader = Open(sample.Write());
                Assert.Equal(sample.Header, reader.Header);
                Assert.Equal(sample.PageNumbers, reader.Index.PageNumbers.ToArray());
                var pageSize = sample.Header.PageSize.Bytes;
                for (var i = 0; i < sample.PageNumbers.Length; i++)
                {
                    Assert.Equal(sample.Pages.AsSpan(i * pageSize, pageSize).ToArray(), Read(reader, sample.PageNumbers[i]));
                }
            },
            iter: 20);

    [Fact]
    public void A_page_that_the_file_does_not_hold_is_not_found()
    {
        var reader = Open(LtxForge.Increment().Build());
        Assert.Null(Read(reader, 1));
        Assert.Null(Read(reader, 4));
        Assert.Null(Read(reader, uint.MaxValue));
        Assert.False(reader.Index.TryFind(0, out _));
    }

    [Fact]
    public void A_small_file_is_opened_with_one_request()
    {
        var source = new MemorySource(LtxForge.Increment().Build());
        Open(source);
        Assert.Equal(1, source.Requests);
    }

    [Fact]
    public void A_large_file_is_opened_with_two_requests()
    {
        var source = new MemorySource(LtxSample.Small(pageSize: 4096, pageCount: 100).Write());
        Open(source);
        Assert.Equal(2, source.Requests);
    }

    [Fact]
    public void A_header_that_the_first_request_cuts_in_two_is_read_whole()
    {
        const int firstRequest = 32 * 1024;
        var forge = LtxForge.Of(LtxSample.HeaderOf(512, commit: 1000, minTxid: 2, maxTxid: 2));
        var pageNumber = 0u;
        while (forge.Build().Length < firstRequest - 100)
        {
            forge.WithPages(++pageNumber);
        }

        // Pages of zeros take some fifty bytes each, so that one of the lengths falls into the header.
        while (forge.Build().Length <= firstRequest)
        {
            forge.WithBlock(++pageNumber, new byte[512]);
        }

        var source = new MemorySource(forge.Build());
        Assert.InRange(source.Length, firstRequest + 1, firstRequest + LtxHeader.Size - 1);
        Assert.Equal((int)pageNumber, Open(source).Index.Count);
        Assert.Equal(2, source.Requests);
    }

    [Fact]
    public void An_index_larger_than_the_first_request_takes_one_more()
    {
        var source = new MemorySource(LtxSample.Small(pageSize: 512, pageCount: 5_000).Write());
        var reader = Open(source);
        Assert.Equal(3, source.Requests);
        Assert.Equal(5_000, reader.Index.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_that_is_cut_anywhere_is_not_opened(bool isBlock)
    {
        var file = (isBlock ? LtxForge.Increment() : LtxForge.Frames()).Build();
        for (var length = 0; length < file.Length; length++)
        {
            Assert.Throws<LtxFormatException>(() => Open(file[..length]));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    public void Every_value_of_the_index_is_checked(int value)
        => Broken(LtxFault.IndexMismatch, LtxForge.Increment().With(f => f.ChangeIndex = index => index[value]++));

    [Fact]
    public void A_value_that_needs_more_than_its_field_is_refused()
        => Broken(LtxFault.IndexMismatch, LtxForge.Increment().With(f => f.ChangeIndex = index => index[0] += 1UL << 32));

    [Fact]
    public void An_index_that_ends_too_early_is_refused()
        => Broken(LtxFault.IndexMismatch, LtxForge.Increment().With(f => f.ChangeIndex = index => index.RemoveRange(6, 3)));

    [Fact]
    public void An_index_that_does_not_end_is_refused()
        => Broken(LtxFault.IndexMismatch, LtxForge.Increment().With(f => f.ChangeIndex = index => index.RemoveAt(9)));

    [Fact]
    public void An_index_that_goes_on_after_its_end_is_refused()
        => Broken(LtxFault.IndexMismatch, LtxForge.Increment().With(f => f.ChangeIndex = index => index.Add(1)));

    [Fact]
    public void An_index_that_names_another_page_is_found_out_when_the_page_is_read()
    {
        var reader = Open(LtxForge.Increment().With(f => f.ChangeIndex = index => index[3]++).Build());
        Assert.Equal(LtxFault.IndexMismatch, Assert.Throws<LtxFormatException>(() => Read(reader, 4)).Fault);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(-1)]
    [InlineData(1_000_000)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_wrong_size_of_the_index_is_refused(long error)
        => Broken(LtxFault.IndexSizeMismatch, LtxForge.Increment().With(f => f.IndexSizeError = error));

    [Fact]
    public void An_incomplete_snapshot_is_refused()
        => Broken(LtxFault.IndexMismatch, LtxForge.Of(LtxSample.HeaderOf(512, 3, 1, 1)).WithPages(1, 2));

    [Fact]
    public void A_wrong_header_is_refused() => Broken(LtxFault.InvalidPageSize, LtxForge.Increment().With(f => f.Header[10] = 3));

    [Fact]
    public void A_wrong_trailer_is_refused()
        => Broken(LtxFault.UnexpectedPostApplyChecksum, LtxForge.Increment().With(f => f.PostApplyChecksum = 1));

    [Theory]
    [InlineData(3, LtxFault.IndexMismatch)] // another page number
    [InlineData(5, LtxFault.InvalidCompression)] // a frame and not a block
    [InlineData(4, LtxFault.UnknownPageFlags)]
    [InlineData(9, LtxFault.IndexMismatch)] // another size
    [InlineData(7, LtxFault.InvalidFrameSize)]
    [InlineData(10, LtxFault.InvalidCompression)]
    public void A_frame_that_is_not_what_the_index_says_is_refused(int offset, LtxFault expected)
    {
        var forge = LtxForge.Increment();
        var file = forge.Build();
        file[forge.FrameOffsets[1] + offset] ^= 1;
        var reader = Open(file);
        var fault = Assert.Throws<LtxFormatException>(() => Read(reader, 3));
        Assert.Equal(expected, fault.Fault);
        Assert.Equal(forge.FrameOffsets[1], fault.Offset);
        Assert.NotNull(Read(reader, 5));
    }

    [Fact]
    public void A_page_that_expands_to_another_size_is_refused()
    {
        var reader = Open(LtxForge.Of(LtxSample.HeaderOf(512, 9, 2, 2)).WithBlock(4, new byte[400]).Build());
        Assert.Equal(LtxFault.WrongExpandedSize, Assert.Throws<LtxFormatException>(() => Read(reader, 4)).Fault);
    }

    private static LtxRandomReader Open(byte[] file) => Open(new MemorySource(file));

    private static LtxRandomReader Open(MemorySource source)
        => LtxRandomReader.OpenAsync(source, "test.ltx", CancellationToken.None).GetAwaiter().GetResult();

    private static byte[]? Read(LtxRandomReader reader, uint pageNumber)
    {
        var page = new byte[reader.Header.PageSize.Bytes];
        return reader.TryReadPageAsync(pageNumber, page, CancellationToken.None).AsTask().GetAwaiter().GetResult() ? page : null;
    }

    private static void Broken(LtxFault expected, LtxForge forge)
        => Assert.Equal(expected, Assert.Throws<LtxFormatException>(() => Open(forge.Build())).Fault);
}
