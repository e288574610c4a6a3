using Tidemark.Cli.Arguments;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Cli.Tests.Arguments;

public sealed class FlagValueTests
{
    [Fact]
    public void A_txid_has_sixteen_digits_of_either_case()
    {
        Assert.Equal(0xffUL, FlagValue.Txid("00000000000000FF").Value);
        Assert.Throws<FormatException>(() => FlagValue.Txid("ff"));
        Assert.Throws<FormatException>(() => FlagValue.Txid("00000000000000zz"));
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.0000000+00:00")]
    [InlineData("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.0000000+00:00")]
    [InlineData("2026-01-31T12:00:00.123Z", "2026-01-31T12:00:00.1230000+00:00")]
    [InlineData("2026-01-31T12:00:00.1234567-01:30", "2026-01-31T13:30:00.1234567+00:00")]
    [InlineData("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.1234567+00:00")]
    public void A_moment_is_read_with_its_offset_and_fraction(string text, string moment)
        => Assert.Equal(moment, FlagValue.Timestamp(text).ToString("O"));

    [Theory]
    [InlineData("2026-01-31")]
    [InlineData("2026-01-31T12:00:00")]
    [InlineData("2026-01-31 12:00:00Z")]
    [InlineData("yesterday")]
    [InlineData("")]
    public void A_moment_without_time_or_offset_is_refused(string text) => Assert.Throws<FormatException>(() => FlagValue.Timestamp(text));

    [Fact]
    public void A_level_is_a_digit_or_all()
    {
        Assert.Equal([new Level(9)], FlagValue.Levels("9"));
        Assert.Equal(10, FlagValue.Levels("all").Count);
        Assert.Throws<FormatException>(() => FlagValue.Levels("10"));
        Assert.Throws<FormatException>(() => FlagValue.Levels("x"));
    }
}
