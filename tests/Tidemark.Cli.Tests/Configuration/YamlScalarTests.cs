using Tidemark.Cli.Configuration;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class YamlScalarTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1000", 1000)]
    [InlineData("1_000", 1000)]
    [InlineData("-5", -5)]
    [InlineData("0x10", 16)]
    [InlineData("0o17", 15)]
    [InlineData("017", 15)]
    [InlineData("0b101", 5)]
    public void Integers_follow_the_rules_of_yaml_1_1(string text, long value) => Assert.Equal(value, YamlScalar.Integer(text));

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1.5")]
    [InlineData("09")]
    [InlineData("0x")]
    [InlineData("99999999999999999999")]
    public void Other_text_is_no_integer(string text) => Assert.Throws<FormatException>(() => YamlScalar.Integer(text));

    [Fact]
    public void Booleans_follow_the_rules_of_yaml_1_1()
    {
        Assert.All(["y", "Yes", "TRUE", "on"], text => Assert.True(YamlScalar.Boolean(text)));
        Assert.All(["n", "No", "FALSE", "off"], text => Assert.False(YamlScalar.Boolean(text)));
        Assert.All(["", "1", "yEs"], text => Assert.Throws<FormatException>(() => YamlScalar.Boolean(text)));
    }
}
