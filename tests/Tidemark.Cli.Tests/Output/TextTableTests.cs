using Tidemark.Cli.Output;

namespace Tidemark.Cli.Tests.Output;

public sealed class TextTableTests
{
    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell_and_the_last_is_not_padded()
    {
        var table = new TextTable("level", "size", "created");
        table.Add("0", "1234567", "now");
        table.Add("9", "1", "yesterday");

        Assert.Equal("level  size     created\n0      1234567  now\n9      1        yesterday\n", Write(table));
    }

    [Fact]
    public void A_table_without_rows_is_its_header() => Assert.Equal("level  size\n", Write(new TextTable("level", "size")));

    private static string Write(TextTable table)
    {
        using var output = new StringWriter { NewLine = "\n" };
        table.WriteTo(output);
        return output.ToString();
    }
}
