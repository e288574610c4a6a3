namespace Tidemark.Benchmarks.Reporting;

/// <summary>Prints figures as a table that Markdown understands too.</summary>
internal static class FigureTable
{
    private static readonly string[] s_head = ["measure", "value", "goal", "ok"];

    public static void Write(TextWriter output, IReadOnlyList<Figure> figures)
    {
        string[][] rows = [s_head, .. figures.Select(Cells)];
        var widths = Enumerable.Range(0, s_head.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        for (var i = 0; i < rows.Length; i++)
        {
            output.WriteLine(Line(rows[i].Select((cell, column) => cell.PadRight(widths[column]))));
            if (i == 0)
            {
                output.WriteLine(Line(widths.Select(width => new string('-', width))));
            }
        }
    }

    private static string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";

    private static string[] Cells(Figure figure)
        => [figure.Name, figure.Value, figure.Goal, figure.IsMet switch { true => "yes", false => "NO", null => "" }];
}
