using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

public sealed class LtxReaderTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_that_gives_a_byte_at_a_time_reads_the_same()
    {
        foreach (var file in new[] { LtxForge.Snapshot().Build(), LtxForge.Frames().Build() })
        {
            var expected = LtxSample.Read(file).Summary;
            Assert.Equal(expected, await LtxReader.VerifyAsync(new TricklingStream(file), "trickle", Token));
        }
    }

    [Fact]
    public async Task Parts_are_about_a_megabyte_and_can_be_decoded_in_any_order()
    {
        var sample = LtxSample.Small(pageSize: 4096, pageCount: 1000);
        using var reader = new LtxReader(new MemoryStream(sample.Write()), "parts");
        Assert.Equal(sample.Header, await reader.ReadHeaderAsync(Token));
        Assert.Equal(sample.Header, reader.Header);
        List<LtxPart> parts = [new()];
        while (await reader.ReadPartAsync(parts[^1], Token))
        {
            parts.Add(new LtxPart());
        }

        parts.RemoveAt(parts.Count - 1);
        Assert.Equal([256, 256, 256, 232], parts.Select(part => part.Count));
        var pages = new byte[sample.Pages.Length];
        var checksums = new ulong[sample.PageNumbers.Length];
        var crcs = new ulong[parts.Count];
        Parallel.For(0, parts.Count, i =>
            crcs[i] = parts[i].Decode(pages.AsSpan(i * 256 * 4096, parts[i].ExpandedLength), checksums.AsSpan(i * 256, parts[i].Count)));
        await reader.ReadTrailerAsync(Token);
        for (var i = 0; i < parts.Count; i++)
        {
            reader.AddPartChecksum(crcs[i], parts[i].LogicalLength);
        }

        reader.Finish();
        Assert.Equal(1000, reader.Summary().PageCount);
        Assert.Equal(sample.Pages, pages);
        Assert.Equal(sample.PageNumbers, parts.SelectMany(part => part.PageNumbers.ToArray()));
        Assert.Equal(sample.PageNumbers.Select((number, i) => DatabaseChecksum.OfPage(number, pages.AsSpan(i * 4096, 4096))), checksums);
    }

    [Fact]
    public async Task A_part_holds_at_least_one_page_of_any_size()
    {
        var sample = LtxSample.Small(pageSize: 65536, pageCount: 20);
        using var reader = new LtxReader(new MemoryStream(sample.Write()), "parts");
        await reader.ReadHeaderAsync(Token);
        var part = new LtxPart();
        Assert.True(await reader.ReadPartAsync(part, Token));
        Assert.Equal(16, part.Count);
        Assert.Equal(65536, part.PageSize.Bytes);
        Assert.True(await reader.ReadPartAsync(part, Token));
        Assert.Equal(4, part.Count);
        Assert.False(await reader.ReadPartAsync(part, Token));
        Assert.Equal(0, part.Count);
        Assert.False(await reader.ReadPartAsync(part, Token));
    }

    [Fact]
    public async Task Decoding_twice_does_not_spoil_the_check_of_a_snapshot_that_tracks_checksums()
    {
        using var reader = new LtxReader(new MemoryStream(LtxForge.Tracked().Build()), "tracked");
        await reader.ReadHeaderAsync(Token);
        var part = new LtxPart();
        await reader.ReadPartAsync(part, Token);
        var pages = new byte[part.ExpandedLength];
        Assert.Equal(part.Decode(pages), part.Decode(pages, new ulong[part.Count]));
        reader.AddPartChecksum(part.Decode(pages), part.LogicalLength);
        await reader.ReadPartAsync(part, Token);
        await reader.ReadTrailerAsync(Token);
        reader.Finish();
    }

    [Fact]
    public async Task A_file_is_not_finished_before_every_part_was_handed_in()
    {
        using var reader = new LtxReader(new MemoryStream(LtxForge.Snapshot().Build()), "parts");
        await reader.ReadHeaderAsync(Token);
        var part = new LtxPart();
        while (await reader.ReadPartAsync(part, Token))
        {
        }

        await reader.ReadTrailerAsync(Token);
        Assert.Throws<InvalidOperationException>(reader.Finish);
        Assert.Throws<InvalidOperationException>(() => reader.Summary());
    }

    [Fact]
    public async Task Parts_handed_in_in_another_order_do_not_match_the_file_checksum()
    {
        var sample = LtxSample.Small(pageSize: 65536, pageCount: 17);
        using var reader = new LtxReader(new MemoryStream(sample.Write()), "parts");
        await reader.ReadHeaderAsync(Token);
        var (first, second) = (new LtxPart(), new LtxPart());
        await reader.ReadPartAsync(first, Token);
        await reader.ReadPartAsync(second, Token);
        await reader.ReadPartAsync(new LtxPart(), Token);
        reader.AddPartChecksum(second.Decode(new byte[second.ExpandedLength]), second.LogicalLength);
        reader.AddPartChecksum(first.Decode(new byte[first.ExpandedLength]), first.LogicalLength);
        await reader.ReadTrailerAsync(Token);
        Assert.Equal(LtxFault.FileChecksumMismatch, Assert.Throws<LtxFormatException>(reader.Finish).Fault);
    }

    [Fact]
    public async Task Calls_come_in_their_order()
    {
        using var reader = new LtxReader(new MemoryStream(LtxForge.Snapshot().Build()), "order");
        Assert.Throws<InvalidOperationException>(() => reader.Header);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await reader.ReadPartAsync(new LtxPart(), Token));
        await reader.ReadHeaderAsync(Token);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await reader.ReadHeaderAsync(Token));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await reader.ReadTrailerAsync(Token));
        Assert.Throws<InvalidOperationException>(reader.Finish);
    }

    [Fact]
    public async Task A_part_needs_room_for_its_pages()
    {
        using var reader = new LtxReader(new MemoryStream(LtxForge.Snapshot().Build()), "room");
        await reader.ReadHeaderAsync(Token);
        var part = new LtxPart();
        await reader.ReadPartAsync(part, Token);
        Assert.Throws<ArgumentOutOfRangeException>(() => part.Decode(new byte[part.ExpandedLength - 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => part.Decode(new byte[part.ExpandedLength], new ulong[part.Count - 1]));
    }

    [Fact]
    public async Task A_cancelled_read_is_cancelled()
    {
        using var reader = new LtxReader(new MemoryStream(LtxForge.Snapshot().Build()), "cancelled");
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reader.ReadHeaderAsync(cancelled));
    }

    [Fact]
    public void Reading_takes_memory_for_a_part_and_not_for_the_file()
    {
        var file = LtxSample.Small(pageSize: 4096, pageCount: 8000).Write();
        var stream = new MemoryStream(file);
        var before = GC.GetAllocatedBytesForCurrentThread();

        // A stream in memory answers at once, so everything happens on this thread and its memory can be counted.
        Assert.True(LtxReader.VerifyAsync(stream, "memory", CancellationToken.None).IsCompletedSuccessfully);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 6_000_000);
        Assert.InRange(file.Length, 12_000_000, int.MaxValue);
    }

    private sealed class TricklingStream(byte[] file) : MemoryStream(file)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
