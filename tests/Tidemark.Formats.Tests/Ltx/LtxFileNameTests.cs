using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

public sealed class LtxFileNameTests
{
    [Fact]
    public void A_name_reads_back()
        => Gen.Select(Gen.ULong[1, ulong.MaxValue], Gen.ULong[1, ulong.MaxValue]).Sample((a, b) =>
        {
            var name = new LtxFileName(new Txid(Math.Min(a, b)), new Txid(Math.Max(a, b)));
            Assert.True(LtxFileName.TryParse(name.ToString(), out var read));
            Assert.Equal(name, read);
        });

    [Theory]
    [InlineData("0000000000000001-000000000000000A.ltx")] // upper case
    [InlineData("000000000000000A-000000000000000b.ltx")]
    [InlineData("0000000000000001-0000000000000002.LTX")]
    [InlineData("0000000000000001-0000000000000002.ltx.tmp")]
    [InlineData("0000000000000001_0000000000000002.ltx")]
    [InlineData("0000000000000001-0000000000000002")]
    [InlineData("1-2.ltx")]
    [InlineData("0000000000000002-0000000000000001.ltx")] // ends before it begins
    [InlineData("0000000000000000-0000000000000001.ltx")] // no first TXID
    [InlineData("")]
    public void Other_names_are_not_those_of_LTX_files(string text) => Assert.False(LtxFileName.TryParse(text, out _));

    [Fact]
    public void Names_are_ordered_by_first_and_then_by_last_TXID()
    {
        (ulong Min, ulong Max)[] ranges = [(1, 9), (1, 10), (2, 3), (10, 10)];
        var names = ranges.Select(range => new LtxFileName(new Txid(range.Min), new Txid(range.Max))).ToArray();
        Assert.Equal(names, names.Reverse().Order());
        Assert.Equal(names.Select(name => name.ToString()), names.Select(name => name.ToString()).Order(StringComparer.Ordinal));
    }
}
