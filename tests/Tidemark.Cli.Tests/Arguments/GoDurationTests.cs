using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Tests.Arguments;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1.5s", 1500)]
    [InlineData("500ms", 500)]
    [InlineData("1500us", 1.5)]
    [InlineData("2000µs", 2)]
    [InlineData("1000000ns", 1)]
    [InlineData("-1s", -1000)]
    [InlineData("+1m", 60_000)]
    [InlineData("0", 0)]
    [InlineData(".5s", 500)]
    public void A_duration_is_read(string text, double milliseconds)
        => Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), GoDuration.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("s")]
    [InlineData("1d")]
    [InlineData("1 s")]
    [InlineData("1..5s")]
    [InlineData("ten seconds")]
    public void Other_text_is_refused_with_an_example(string text)
        => Assert.Contains("1h30m", Assert.Throws<FormatException>(() => GoDuration.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_number_without_a_unit_is_refused_with_what_to_write()
        => Assert.Contains("10s for seconds", Assert.Throws<FormatException>(() => GoDuration.Parse("10")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_duration_beyond_the_range_is_refused() => Assert.Throws<FormatException>(() => GoDuration.Parse("9999999999999h"));

    [Theory]
    [InlineData("0s")]
    [InlineData("1h0m0s")]
    [InlineData("24h0m0s")]
    [InlineData("5m0s")]
    [InlineData("1m30.5s")]
    [InlineData("500ms")]
    [InlineData("1.5ms")]
    [InlineData("20µs")]
    [InlineData("-1s")]
    public void A_duration_is_written_as_it_is_read(string text) => Assert.Equal(text, GoDuration.Format(GoDuration.Parse(text)));
}
