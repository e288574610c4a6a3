using Tidemark.Formats.Ltx;
using Tidemark.Testing;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>Files that the original program wrote, with pages as LZ4 blocks and (frames-4k) as LZ4 frames.</summary>
public sealed class LtxFixtureTests
{
    public static TheoryData<string> Files => [.. TidemarkShared.LtxFiles()];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_file_of_the_original_verifies(string path)
    {
        var bytes = TidemarkShared.ReadFixture(path);
        var summary = await LtxReader.VerifyAsync(new MemoryStream(bytes), path, TestContext.Current.CancellationToken);
        Assert.Equal(bytes.Length, summary.Length);
        Assert.True(LtxFileName.TryParse(Path.GetFileName(path), out var name));
        Assert.Equal(name, new LtxFileName(summary.Header.MinTxid, summary.Header.MaxTxid));
        Assert.Equal(Lineage.None, summary.Header.Lineage);
        Assert.Equal(LtxProof.None, summary.Header.Proof);
        Assert.False(summary.Header.TracksChecksums);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_page_of_a_file_of_the_original_can_be_read_alone(string path)
    {
        var bytes = TidemarkShared.ReadFixture(path);
        var (summary, pages) = LtxSample.Read(bytes);
        var reader = await LtxRandomReader.OpenAsync(new MemorySource(bytes), path, TestContext.Current.CancellationToken);
        Assert.Equal(summary.Header, reader.Header);
        Assert.Equal(summary.Trailer, reader.Trailer);
        Assert.Equal(pages.Keys, reader.Index.PageNumbers.ToArray());
        var page = new byte[reader.Header.PageSize.Bytes];
        foreach (var (pageNumber, expected) in pages)
        {
            Assert.True(await reader.TryReadPageAsync(pageNumber, page, TestContext.Current.CancellationToken));
            Assert.Equal(expected, page);
        }
    }

    [Fact]
    public void There_are_files_with_lz4_blocks_and_files_with_lz4_frames()
    {
        Assert.Contains(Files, row => PageFlagsOf(row) == 1);
        Assert.Contains(Files, row => PageFlagsOf(row) == 0);
    }

    private static byte PageFlagsOf(TheoryDataRow<string> row) => TidemarkShared.ReadFixture(row.Data)[LtxHeader.Size + 5];
}
