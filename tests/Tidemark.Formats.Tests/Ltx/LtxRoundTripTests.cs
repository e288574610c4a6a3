namespace Tidemark.Formats.Tests.Ltx;

public sealed class LtxRoundTripTests
{
    private static readonly Gen<LtxSample> s_samples = LtxSample.Gen;

    [Fact]
    public void What_is_written_reads_back_as_it_was()
        => s_samples.Sample(
            sample =>
            {
                var file = sample.Write(parallelism: 2);
                var (summary, pages) = LtxSample.Read(file);
                Assert.Equal(sample.Header, summary.Header);
                Assert.Equal(file.Length, summary.Length);
                Assert.Equal(sample.PageNumbers, pages.Keys);
                Assert.Equal(sample.Pages, pages.Values.SelectMany(page => page).ToArray());
            },
            iter: 60);
}
