namespace Tidemark.Formats.Tests;

public sealed class InvariantTests
{
    [Fact]
    public void A_broken_invariant_stops_with_its_text()
    {
        var number = 5;
        Assert.Equal("It is 5.", Assert.Throws<InvariantException>(() => Invariant.Holds(number == 6, $"It is {number}.")).Message);
        Assert.Equal("It is.", Assert.Throws<InvariantException>(() => Invariant.Holds(number == 6, "It is.")).Message);
    }

    [Fact]
    public void The_text_of_an_invariant_that_holds_is_not_built()
    {
        Invariant.Holds(true, $"{Fail()}");
        Invariant.Holds(true, "Nothing.");

        static string Fail() => throw new InvalidOperationException("The text was built.");
    }
}
