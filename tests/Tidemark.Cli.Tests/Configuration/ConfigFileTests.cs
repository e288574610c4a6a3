using System.Text;
using Tidemark.Cli.Configuration;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class ConfigFileTests
{
    private const string Content = "exec: müller\r\n";

    [Theory]
    [InlineData("utf-8", false)]
    [InlineData("utf-8", true)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16BE", true)]
    public void Utf_8_and_what_a_byte_order_mark_tells_is_read(string name, bool hasMark)
    {
        var encoding = Encoding.GetEncoding(name);
        var text = ConfigFile.Decode([.. hasMark ? encoding.Preamble : [], .. encoding.GetBytes(Content)], "c.yml");
        Assert.Equal(Content, text);
        Assert.Equal("müller", Read(text).Exec);
    }

    [Fact]
    public void Utf_16_without_a_mark_is_called_so()
    {
        var failure = Assert.Throws<ConfigException>(() => ConfigFile.Decode(Encoding.Unicode.GetBytes("exec: a\n"), "c.yml"));
        Assert.Equal("c.yml: is not text, or UTF-16 without a byte-order mark", failure.Message);
        Assert.Equal("Save it as UTF-8.", failure.Hint);
    }

    [Fact]
    public void Bytes_of_another_encoding_are_an_error_with_their_line()
    {
        // As another character, the path would silently lead to another folder.
        var failure = Assert.Throws<ConfigException>(() => ConfigFile.Decode(Encoding.Latin1.GetBytes("a: 1\nexec: müller\n"), "c.yml"));
        Assert.Equal("c.yml:2: is not utf-8 text", failure.Message);
    }

    [Fact]
    public void Lines_are_counted_as_people_do_where_they_end_with_two_characters()
    {
        var failure = Assert.Throws<ConfigException>(() => Read("exec: a\r\n\r\nl0-retention: 5\r\n"));
        Assert.StartsWith("c.yml:3: l0-retention: ", failure.Message, StringComparison.Ordinal);
    }

    private static TidemarkConfig Read(string text)
        => new ConfigReader(Replicas.Files.PhysicalFileSystem.Instance, _ => null).Parse(text, "c.yml");
}
