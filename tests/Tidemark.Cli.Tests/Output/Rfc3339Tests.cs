using Tidemark.Cli.Output;

namespace Tidemark.Cli.Tests.Output;

public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData(0, "2026-01-02T15:04:05Z")]
    [InlineData(60, "2026-01-02T15:04:05.06Z")]
    [InlineData(789, "2026-01-02T15:04:05.789Z")]
    public void A_moment_has_milliseconds_unless_they_are_zero(int milliseconds, string text)
        => Assert.Equal(text, Rfc3339.Format(new DateTimeOffset(2026, 1, 2, 16, 4, 5, milliseconds, TimeSpan.FromHours(1))));
}
