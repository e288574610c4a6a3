namespace Tidemark.Formats.Tests;

public sealed class LineageTests
{
    [Fact]
    public void New_lineages_differ_and_are_not_none()
    {
        var lineages = Enumerable.Range(0, 100).Select(_ => Lineage.Create()).ToHashSet();
        Assert.Equal(100, lineages.Count);
        Assert.DoesNotContain(Lineage.None, lineages);
    }
}
