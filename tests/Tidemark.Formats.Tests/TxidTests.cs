namespace Tidemark.Formats.Tests;

public sealed class TxidTests
{
    [Fact]
    public void The_text_form_has_16_digits_and_reads_back()
        => Gen.ULong.Sample(value =>
        {
            var text = new Txid(value).ToString();
            Assert.Equal(16, text.Length);
            Assert.True(Txid.TryParse(text, out var read) && read.Value == value);
            Assert.True(Txid.TryParse(text.ToUpperInvariant(), out read) && read.Value == value);
        });

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("000000000000001")]
    [InlineData("00000000000000001")]
    [InlineData("000000000000000g")]
    [InlineData(" 000000000000001")]
    [InlineData("0x00000000000001")]
    [InlineData("+000000000000001")]
    public void Other_texts_are_no_TXID(string text)
    {
        Assert.False(Txid.TryParse(text, out var txid));
        Assert.Equal(Txid.None, txid);
    }

    [Fact]
    public void Names_sort_as_numbers_do()
        => Gen.Select(Gen.ULong, Gen.ULong).Sample((a, b) => Assert.Equal(
            Math.Sign(new Txid(a).CompareTo(new Txid(b))),
            Math.Sign(string.CompareOrdinal(new Txid(a).ToString(), new Txid(b).ToString()))));

    [Fact]
    public void The_last_TXID_has_no_next_one()
    {
        Assert.Equal(Txid.First, Txid.None.Next());
        Assert.Throws<OverflowException>(() => new Txid(ulong.MaxValue).Next());
    }
}
