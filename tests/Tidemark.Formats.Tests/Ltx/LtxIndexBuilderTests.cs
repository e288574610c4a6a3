using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

public sealed class LtxIndexBuilderTests
{
    // About eight bytes an entry.
    private const uint LargeCount = 1_000_000;

    [Fact]
    public void A_large_index_goes_over_the_temporary_stream_and_stays_the_same()
    {
        var opened = 0;
        var overflow = new MemoryStream();
        using var builder = new LtxIndexBuilder(() => ++opened == 1 ? overflow : throw new InvalidOperationException("Opened twice."));
        using var inMemory = new LtxIndexBuilder(overflow: null);
        var expected = Build(inMemory, LargeCount);
        Assert.Equal(expected, Build(builder, LargeCount));
        Assert.Equal(expected.Length, builder.Length);
        Assert.Equal(Crc64Iso.Append(0, expected), builder.Crc);
        Assert.Equal(1, opened);
        Assert.InRange(overflow.Length, LtxIndexBuilder.InMemoryMax / 2, expected.Length - 1);
        builder.Dispose();
        Assert.False(overflow.CanRead, "The builder closes what it had opened.");
    }

    [Fact]
    public void A_small_index_needs_no_temporary_stream()
    {
        using var builder = new LtxIndexBuilder(() => throw new InvalidOperationException("Opened."));
        var bytes = Build(builder, 1000);
        Assert.Equal(bytes.Length, builder.Length);
    }

    [Fact]
    public void A_temporary_stream_that_loses_bytes_fails_the_file()
    {
        var overflow = new MemoryStream();
        using var builder = new LtxIndexBuilder(() => overflow);
        Add(builder, LargeCount);
        var position = overflow.Position;
        overflow.SetLength(position / 2);
        overflow.Position = position;
        using var output = new LtxOutput(Stream.Null);
        Assert.Throws<EndOfStreamException>(() => builder.End(output));
    }

    [Fact]
    public void Varints_are_the_shortest_form_and_read_back()
        => Gen.Select(Gen.ULong, Gen.Int[0, 63]).Sample((random, shift) =>
        {
            var value = random >> shift;
            var bytes = new byte[LtxVarint.SizeMax];
            var length = LtxVarint.Write(bytes, value);
            Assert.Equal(length, LtxVarint.TryRead(bytes, out var read));
            Assert.Equal(value, read);
            Assert.Equal(0, LtxVarint.TryRead(bytes.AsSpan(0, length - 1), out _));
        });

    [Theory]
    [InlineData("8000")] // longer than needed
    [InlineData("ffffffffffffffffff02")] // 65 bits
    [InlineData("ffffffffffffffffffff01")] // 11 bytes
    public void A_varint_of_another_form_is_refused(string hex) => Assert.Equal(-1, LtxVarint.TryRead(Convert.FromHexString(hex), out _));

    private static void Add(LtxIndexBuilder builder, uint count)
    {
        for (var number = 1u; number <= count; number++)
        {
            builder.Add(new LtxIndexEntry(number, number * 400L, 400));
        }
    }

    private static byte[] Build(LtxIndexBuilder builder, uint count)
    {
        Add(builder, count);
        var stream = new MemoryStream();
        using var output = new LtxOutput(stream);
        builder.End(output);
        output.Flush();
        return stream.ToArray();
    }
}
