using System.Globalization;
using Tidemark.Cli.Configuration;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class TakenPlacesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private readonly TakenPlaces _places = new(PhysicalFileSystem.Instance);

    public void Dispose() => _folder.Dispose();

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

    [Fact]
    public void A_place_is_found_again_through_links_also_where_it_does_not_exist_yet()
    {
        Directory.CreateDirectory(_folder["real/deep"]);
        File.CreateSymbolicLink(_folder["link"], "real/deep");
        Assert.Null(_places.TakeDestination(_folder["real/deep/app"]));
        Assert.Equal(
            $"{_folder["link/app"]} is a destination twice: {_folder["real/deep/app"]} leads to the same place",
            _places.TakeDestination(_folder["link/app"]));
        Assert.NotNull(_places.TakeDestination(_folder["link/app/ltx/x"]));
        Assert.Null(_places.TakeDestination(_folder["link/other"]));
    }

    [Fact]
    public void A_link_in_the_place_of_the_files_leads_to_another_destination()
    {
        Directory.CreateDirectory(_folder["a/ltx"]);
        Directory.CreateDirectory(_folder["b"]);
        File.CreateSymbolicLink(_folder["b/ltx"], "../a/ltx");
        Assert.Null(_places.TakeDestination(_folder["a"]));
        Assert.NotNull(_places.TakeDestination(_folder["b"]));
    }

    [Fact]
    public async Task A_database_is_found_again_through_links_and_as_a_hard_link()
    {
        await File.WriteAllTextAsync(_folder["a.db"], "", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(_folder["link.db"], "a.db");
        await UnixTools.LinkAsync(_folder["a.db"], _folder["hard.db"]);
        Assert.Null(_places.TakeDatabase(_folder["a.db"]));
        Assert.Equal(
            $"{_folder["link.db"]} is listed twice: {_folder["a.db"]} leads to the same place", _places.TakeDatabase(_folder["link.db"]));
        Assert.NotNull(_places.TakeDatabase(_folder["hard.db"]));
    }

    [Theory]
    [InlineData("spool", "spool", "{0}/spool is a destination, and a spool too")]
    [InlineData("spool", "spool/x", "{0}/spool/x lies in the spool {0}/spool")]
    [InlineData("d/ltx/s", "d", "{0}/d/ltx/s lies among the files of the destination {0}/d")]
    [InlineData("d/spool", "d", null)]
    public void A_destination_and_a_spool_keep_out_of_each_other(string spool, string destination, string? problem)
    {
        var expected = problem is null ? null : string.Format(CultureInfo.InvariantCulture, problem, _folder.Path);
        Assert.Null(_places.TakeSpool(_folder[spool]));
        Assert.Equal(expected, _places.TakeDestination(_folder[destination]));

        var other = new TakenPlaces(PhysicalFileSystem.Instance);
        Assert.Null(other.TakeDestination(_folder[destination]));
        Assert.Equal(expected is null, other.TakeSpool(_folder[spool]) is null);
    }

    [Fact]
    public void Links_in_a_circle_are_a_place_like_another()
    {
        File.CreateSymbolicLink(_folder["circle"], "circle");
        Assert.Null(_places.TakeDestination(_folder["circle"]));
        Assert.NotNull(_places.TakeDestination(_folder["circle"]));
    }
}
