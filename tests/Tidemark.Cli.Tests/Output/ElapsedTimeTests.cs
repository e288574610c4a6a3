using Tidemark.Cli.Output;

namespace Tidemark.Cli.Tests.Output;

public sealed class ElapsedTimeTests
{
    [Theory]
    [InlineData(0, "0 ms")]
    [InlineData(116.4711, "116 ms")]
    [InlineData(999.6, "1.0 s")]
    [InlineData(4_240, "4.2 s")]
    [InlineData(59_960, "1m0s")]
    [InlineData(125_300, "2m5s")]
    [InlineData(7_325_000, "2h2m5s")]
    public void A_duration_has_a_unit_that_fits(double milliseconds, string text)
        => Assert.Equal(text, ElapsedTime.Format(TimeSpan.FromMilliseconds(milliseconds)));
}
