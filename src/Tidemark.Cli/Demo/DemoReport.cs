namespace Tidemark.Cli.Demo;

/// <summary>The lines of the demo.</summary>
internal sealed class DemoReport(TextWriter output)
{
    private const int HeadingWidth = 12;

    /// <summary>A sentence.</summary>
    public void Say(string sentence) => output.WriteLine(sentence);

    /// <summary>What was done, and what it gave.</summary>
    public void Step(string heading, string text) => output.WriteLine($"  {heading.PadRight(HeadingWidth)}{text}");
}
