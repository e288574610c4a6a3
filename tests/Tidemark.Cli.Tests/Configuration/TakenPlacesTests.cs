using Tidemark.Cli.Configuration;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class TakenPlacesTests
{
    private readonly TakenPlaces _places = new();

    [Fact]
    public void A_database_can_be_taken_once()
    {
        Assert.Null(_places.TakeDatabase("/a.db"));
        Assert.Null(_places.TakeDatabase("/b.db"));
        Assert.Equal("/a.db is listed twice", _places.TakeDatabase("/a.db"));
    }

    [Theory]
    [InlineData("/d", "/d", "/d is a destination twice")]
    [InlineData("/d", "/x/../d/", "/d is a destination twice")]
    [InlineData("/d", "/d/ltx", "/d/ltx lies among the files of the destination /d")]
    [InlineData("/d", "/d/ltx/0/x", "/d/ltx/0/x lies among the files of the destination /d")]
    [InlineData("/d/ltx", "/d", "/d/ltx lies among the files of the destination /d")]
    [InlineData("/", "/ltx", "/ltx lies among the files of the destination /")]
    public void A_destination_in_the_way_of_another_is_refused(string first, string second, string problem)
    {
        Assert.Null(_places.TakeDestination(first));
        Assert.Equal(problem, _places.TakeDestination(second));
    }

    [Theory]
    [InlineData("/d", "/d/app")]
    [InlineData("/d", "/d/ltx2")]
    [InlineData("/d", "/e/d/ltx")]
    public void A_destination_beside_the_files_of_another_is_not(string first, string second)
    {
        Assert.Null(_places.TakeDestination(first));
        Assert.Null(_places.TakeDestination(second));
    }
}
