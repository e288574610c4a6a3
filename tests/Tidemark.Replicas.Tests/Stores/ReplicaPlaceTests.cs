using Tidemark.Replicas.Stores;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Stores;

public sealed class ReplicaPlaceTests
{
    private readonly MemoryFileSystem _files = new();

    [Fact]
    public void A_new_replica_gets_the_folder_that_a_person_means()
    {
        var place = ReplicaPlace.Find("file:///my%20files", _files);
        Assert.Equal("/my files", place.Folder);
        Assert.Empty(place.Warnings);
    }

    [Theory]
    [InlineData("ltx")]
    [InlineData("generations")]
    public void A_replica_in_the_folder_that_litestream_makes_of_the_url_is_found_with_a_warning(string content)
    {
        _files.CreateDirectory($"/my%20files/{content}");
        _files.CreateDirectory("/my files");
        var place = ReplicaPlace.Find("file:///my files", _files);
        Assert.Equal("/my%20files", place.Folder);
        var warning = Assert.Single(place.Warnings);
        Assert.Contains("means the folder /my files, which holds no replica. /my%20files", warning, StringComparison.Ordinal);
        Assert.Contains("rename it to /my files", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_both_folders_hold_a_replica_the_other_one_is_warned_of()
    {
        _files.CreateDirectory("/my%20files/ltx");
        _files.CreateDirectory("/my files/ltx");
        var place = ReplicaPlace.Find("file:///my%20files", _files);
        Assert.Equal("/my files", place.Folder);
        Assert.Contains("/my%20files too", Assert.Single(place.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_means_itself()
    {
        _files.CreateDirectory("/my%20files/ltx");
        Assert.Equal("/my files", ReplicaPlace.Find("/my files", _files).Folder);
        Assert.Equal("/my%20files", ReplicaPlace.Find("/my%20files", _files).Folder);
    }

    [Theory]
    [InlineData("file://backup/app", "/backup/app", "write file:///backup/app if that is meant")]
    [InlineData("file:///backup/app?a=b", "/backup/app", "?a=b has no effect")]
    public void What_is_hardly_meant_is_warned_of(string url, string folder, string warning)
    {
        var place = ReplicaPlace.Find(url, _files);
        Assert.Equal(folder, place.Folder);
        Assert.Contains(warning, Assert.Single(place.Warnings), StringComparison.Ordinal);
    }
}
