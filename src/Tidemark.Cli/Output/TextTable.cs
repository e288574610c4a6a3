namespace Tidemark.Cli.Output;

/// <summary>Columns of text, aligned to the left and parted by two spaces; the last one is not padded.</summary>
internal sealed class TextTable(params IReadOnlyList<string> header)
{
    private readonly List<IReadOnlyList<string>> _rows = [header];

    /// <summary>Adds a row of as many cells as the header has.</summary>
    public void Add(params IReadOnlyList<string> cells) => _rows.Add(cells);

    /// <summary>Writes the header and the rows, one line each.</summary>
    public void WriteTo(TextWriter output, string indent = "")
    {
        var widths = Enumerable.Range(0, header.Count).Select(column => _rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in _rows)
        {
            var cells = row.Select((cell, column) => column == row.Count - 1 ? cell : cell.PadRight(widths[column] + 2));
            output.WriteLine(indent + string.Concat(cells));
        }
    }
}
