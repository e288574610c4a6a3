using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Tests.Arguments;

public sealed class NearestWordTests
{
    private static readonly string[] s_known = ["path", "url", "replica", "replicas", "sync-interval", "levels"];

    [Theory]
    [InlineData("ulr", "url")]
    [InlineData("pth", "path")]
    [InlineData("replcia", "replica")]
    [InlineData("replicass", "replicas")]
    [InlineData("sync_interval", "sync-interval")]
    [InlineData("syncinterva", "sync-interval")]
    [InlineData("level", "levels")]
    public void A_slip_of_the_pen_finds_the_key_that_was_meant(string written, string meant)
        => Assert.Equal(meant, NearestWord.Of(written, s_known));

    [Theory]
    [InlineData("")]
    [InlineData("foo")]
    [InlineData("ur-i")]
    [InlineData("paint")]
    [InlineData("syncinterv")]
    public void Another_word_finds_none(string written) => Assert.Null(NearestWord.Of(written, s_known));
}
