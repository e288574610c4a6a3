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
    [InlineData("file://var/app", "/var/app")]
    [InlineData("file://localhost/var/app", "/var/app")]
    [InlineData("file:/var/app", "/var/app")]
    [InlineData("file:////var/app", "/var/app")]
    [InlineData("file:///my%20files", "/my files")]
    [InlineData("file:///my files", "/my files")]
    [InlineData("file:///m%C3%BCller", "/müller")]
    [InlineData("file:///müller", "/müller")]
    [InlineData("file:///a%41 b(c)", "/aA b(c)")]
    [InlineData("file:///100%25", "/100%")]
    [InlineData("file:///100%", "/100%")]
    [InlineData("file:///100%zz", "/100%zz")]
    [InlineData("file:///c#/app", "/c#/app")]
    [InlineData("file:///what?", "/what?")]
    [InlineData("file:///what%3Fa=b", "/what?a=b")]
    [InlineData("/var/backups/app/", "/var/backups/app")]
    [InlineData("/my files/100%25#?", "/my files/100%25#?")]
    public void A_url_or_path_names_the_folder_that_a_person_means(string text, string folder)
    {
        Assert.Equal("file", StoreUrl.Parse(text).Scheme);
        Assert.Equal(folder, StoreUrl.Parse(text).Path);
    }

    [Theory]
    [InlineData("file:backups/app")]
    [InlineData("file://./backups/app")]
    [InlineData("file://../x/../backups/app", "..")]
    [InlineData("backups/app")]
    [InlineData("./backups/app")]
    public void A_relative_folder_is_one_of_the_working_directory(string text, string from = ".")
        => Assert.Equal(Path.GetFullPath($"{from}/backups/app"), StoreUrl.Parse(text).Path);

    [Theory]
    [InlineData("file:///my%20files", "/my%20files")]
    [InlineData("file:///my files", "/my%20files")]
    [InlineData("file:///müller", "/m%C3%BCller")]
    [InlineData("file:///a%41 b(c)", "/aA%20b%28c%29")]
    [InlineData("file:///a%41(c)", "/a%41(c)")]
    [InlineData("file://localhost/a", "/localhost/a")]
    [InlineData("file:///plain", null)]
    [InlineData("file://host/plain", null)]
    [InlineData("file:///c#d", null)]
    [InlineData("file:///100%", null)]
    [InlineData("/my files", null)]
    public void The_folder_that_litestream_makes_of_the_same_url_is_known(string url, string? folder)
        => Assert.Equal(folder, StoreUrl.Parse(url).LitestreamPath);

    [Fact]
    public void What_looks_like_options_is_no_part_of_the_folder()
    {
        var url = StoreUrl.Parse("file:///var/app?retention=24h");
        Assert.Equal(("/var/app", "?retention=24h"), (url.Path, url.Options));
        Assert.Null(StoreUrl.Parse("file:///var/app?").Options);
    }

    [Theory]
    [InlineData("")]
    [InlineData("://x")]
    [InlineData("my file:///x")]
    public void A_text_that_is_neither_is_an_error_that_says_how_to_write_one(string text)
    {
        Assert.False(StoreUrl.IsUrl(text));
        var failure = Assert.Throws<StoreUrlException>(() => StoreUrl.Parse(text));
        Assert.Contains("file://", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3:bucket/app")]
    [InlineData("s3:/bucket/app")]
    [InlineData("S3//bucket/app")]
    public void A_slash_too_few_makes_no_folder(string text)
        => Assert.StartsWith(
            "Replicas in s3 stores", Assert.Throws<StoreUrlException>(() => StoreUrl.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Escapes_that_are_no_text_are_an_error()
        => Assert.Contains(
            "UTF-8", Assert.Throws<StoreUrlException>(() => StoreUrl.Parse("file:///m%FCller")).Message, StringComparison.Ordinal);

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
    [InlineData("file:")]
    [InlineData("file://localhost/")]
    [InlineData("/")]
    [InlineData("file:///a%00b")]
    [InlineData("file:///a/..")]
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
    [InlineData("/my files/100%")]
    [InlineData("/a%20b")]
    [InlineData("/what?a=b")]
    [InlineData("/c#")]
    public void The_name_of_a_folder_reads_back_as_the_same_folder(string folder)
        => Assert.Equal(folder, StoreUrl.Parse(new LocalStore(folder, PhysicalFileSystem.Instance).Name).Path);

    [Fact]
    public void A_url_opens_its_store()
    {
        var store = Assert.IsType<LocalStore>(ReplicaStores.Open("file:///backups/app", PhysicalFileSystem.Instance, TimeProvider.System));
        Assert.Equal("/backups/app", store.Folder);
        Assert.Equal("file:///backups/app", store.Name);
    }
}
