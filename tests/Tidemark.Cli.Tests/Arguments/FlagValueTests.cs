using Tidemark.Cli.Arguments;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Cli.Tests.Arguments;

public sealed class FlagValueTests
{
    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("0", 1_000)]
    [InlineData("-5s", 1_000)]
    [InlineData("24h", 86_400_000)]
    public void An_interval_of_zero_or_less_is_a_second(string text, int milliseconds)
        => Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), FlagValue.PollInterval(text));

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
    [InlineData("2026-01-31", "2026-01-31T00:00:00.0000000+00:00")]
    [InlineData("2026-01-31T12:00:00", "2026-01-31T12:00:00.0000000+00:00")]
    [InlineData("2026-01-31T12:00:00.123456789", "2026-01-31T12:00:00.1234567+00:00")]
    [InlineData("2026-01-31 12:00", "2026-01-31T12:00:00.0000000+00:00")]
    [InlineData("2026-01-31 12:00:00Z", "2026-01-31T12:00:00.0000000+00:00")]
    [InlineData("2026-01-31 12:00+02:00", "2026-01-31T10:00:00.0000000+00:00")]
    public void A_moment_may_be_short_and_is_in_utc_without_an_offset(string text, string moment)
        => Assert.Equal(moment, FlagValue.Timestamp(text).ToString("O"));

    [Theory]
    [InlineData("yesterday")]
    [InlineData("2026-01")]
    [InlineData("12:00")]
    [InlineData("2026-02-30")]
    [InlineData("2026-01-31T25:00")]
    [InlineData("31.01.2026")]
    [InlineData("")]
    public void What_is_no_moment_is_refused(string text) => Assert.Throws<FormatException>(() => FlagValue.Timestamp(text));

    [Fact]
    public void A_level_is_a_digit_or_all()
    {
        Assert.Equal([new Level(9)], FlagValue.Levels("9"));
        Assert.Equal(10, FlagValue.Levels("all").Count);
        Assert.Throws<FormatException>(() => FlagValue.Levels("10"));
        Assert.Throws<FormatException>(() => FlagValue.Levels("x"));
    }
}
