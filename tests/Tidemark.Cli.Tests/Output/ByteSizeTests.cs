using Tidemark.Cli.Output;

namespace Tidemark.Cli.Tests.Output;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(4152, "4.2 kB")]
    [InlineData(32768, "33 kB")]
    [InlineData(999_999, "1.0 MB")]
    [InlineData(long.MaxValue, "9.2 EB")]
    public void A_size_has_a_unit_that_fits(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
