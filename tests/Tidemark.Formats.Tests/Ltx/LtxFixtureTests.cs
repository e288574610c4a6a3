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
}
