using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Stores;

public sealed class StoreUrlTests
{
    [Theory]
    [InlineData("file:///var/backups/app", "/var/backups/app")]
    [InlineData("FILE:///var/backups/app", "/var/backups/app")]
    [InlineData("file:///var/backups/app/", "/var/backups/app")]
    [InlineData("file:///var//backups/./x/../app", "/var/backups/app")]
    [InlineData("file:///var/app?retention=24h", "/var/app")]
    [InlineData("file:///var/app#top", "/var/app")]
    [InlineData("file://var/app", "/var/app")]
    [InlineData("file:///my%20files", "/my%20files")]
    [InlineData("file:///my files", "/my%20files")]
    [InlineData("file:///m%C3%BCller", "/m%C3%BCller")]
    [InlineData("file:///müller", "/m%C3%BCller")]
    [InlineData("file:///a%41 b(c)", "/aA%20b%28c%29")]
    [InlineData("file:///a%41(c)", "/a%41(c)")]
    public void A_folder_url_names_the_folder_that_litestream_uses(string url, string folder)
    {
        Assert.Equal("file", StoreUrl.Parse(url).Scheme);
        Assert.Equal(folder, StoreUrl.Parse(url).Path);
    }

    [Theory]
    [InlineData("/var/backups/app")]
    [InlineData("backups")]
    [InlineData("")]
    [InlineData("://x")]
    [InlineData("my file:///x")]
    public void A_path_is_not_a_url_and_the_hint_says_how_to_write_one(string text)
    {
        Assert.False(StoreUrl.IsUrl(text));
        var failure = Assert.Throws<StoreUrlException>(() => StoreUrl.Parse(text));
        Assert.Contains("file://", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file:/tmp/x", "Write file:///tmp/x for a folder.")]
    [InlineData("FILE:/tmp/x", "Write file:///tmp/x for a folder.")]
    [InlineData("/tmp/x", "Write file:///tmp/x for a folder.")]
    public void A_path_with_or_without_its_scheme_is_written_out_in_the_hint(string text, string hint)
        => Assert.Equal(hint, Assert.Throws<StoreUrlException>(() => StoreUrl.Parse(text)).Hint);

    [Theory]
    [InlineData("file://rel/x", true)]
    [InlineData("FILE://rel", true)]
    [InlineData("file:///abs", false)]
    public void A_folder_url_tells_whether_its_path_begins_where_a_host_would_stand(string url, bool hasHost)
        => Assert.Equal(hasHost, StoreUrl.Parse(url).HasHost);

    [Theory]
    [InlineData("file://")]
    [InlineData("file:///")]
    [InlineData("file:////")]
    [InlineData("file://?retention=24h")]
    [InlineData("file:///#top")]
    [InlineData("file:///a/..")]
    [InlineData("file://.")]
    public void A_url_without_a_folder_is_an_error_that_says_what_to_write(string url)
    {
        var failure = Assert.Throws<StoreUrlException>(() => StoreUrl.Parse(url));
        Assert.Equal($"\"{url}\" names no folder.", failure.Message);
        Assert.Contains("file:///PATH", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://bucket/db", "Replicas in s3 stores are not supported by this version of Tidemark.")]
    [InlineData("ftp://host/db", "\"ftp\" is not a kind of replica store.")]
    public void A_store_that_tidemark_does_not_have_is_named_with_those_that_it_has(string url, string message)
    {
        Assert.True(StoreUrl.IsUrl(url));
        var failure = Assert.Throws<StoreUrlException>(() => StoreUrl.Parse(url));
        Assert.Equal(message, failure.Message);
        Assert.Equal("Use a folder: file:///PATH.", failure.Hint);
    }

    [Theory]
    [InlineData("file:///100%")]
    [InlineData("file:///100%2")]
    [InlineData("file:///100%zz")]
    public void A_broken_percent_escape_is_an_error(string url)
        => Assert.Contains("%25", Assert.Throws<StoreUrlException>(() => StoreUrl.Parse(url)).Hint, StringComparison.Ordinal);

    [Fact]
    public void A_url_opens_its_store()
    {
        var store = Assert.IsType<LocalStore>(ReplicaStores.Open("file:///backups/app", PhysicalFileSystem.Instance, TimeProvider.System));
        Assert.Equal("/backups/app", store.Folder);
        Assert.Equal("file:///backups/app", store.Name);
    }
}
