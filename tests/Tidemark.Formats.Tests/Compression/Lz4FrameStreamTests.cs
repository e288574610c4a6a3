using Tidemark.Formats.Compression;
using Tidemark.Formats.Tests.Ltx;

namespace Tidemark.Formats.Tests.Compression;

public sealed class Lz4FrameStreamTests
{
    private const byte LargestBlocks = 0x70;

    private static readonly byte[] s_content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i % 251 * (i / 1024)))];

    private static readonly Gen<Lz4FrameForge> s_forges = Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool, Gen.Bool, Gen.Int[1000, 65536]).Select(
        (blockChecksums, contentSize, contentChecksum, isStored, blockLength) => new Lz4FrameForge
        {
            HasBlockChecksums = blockChecksums,
            HasContentSize = contentSize,
            HasContentChecksum = contentChecksum,
            IsStored = isStored,
            BlockLength = blockLength,
        });

    [Fact]
    public async Task A_frame_of_many_blocks_with_any_options_expands()
        => await s_forges.SampleAsync(async forge => Assert.Equal(s_content, await ExpandAsync(forge.Build(s_content))), iter: 60);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task A_frame_expands_whatever_is_asked_for_at_once(int bytesOfRead)
        => Assert.Equal(s_content[..20_000], await ExpandAsync(new Lz4FrameForge().Build(s_content[..20_000]), bytesOfRead));

    [Fact]
    public async Task Blocks_that_refer_to_blocks_before_them_expand()
    {
        byte[] content = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i % 1000 * 7 / 5))];
        Assert.Equal(content, await ExpandAsync(new Lz4FrameForge { AreBlocksLinked = true, BlockLength = 1000 }.Build(content)));
    }

    [Fact]
    public async Task Blocks_of_four_megabytes_expand()
    {
        var content = new byte[9 << 20];
        new Random(3).NextBytes(content.AsSpan(0, 1 << 20));
        var frame = new Lz4FrameForge { BlockSizeByte = LargestBlocks, BlockLength = 4 << 20 }.Build(content);
        Assert.True((await ExpandAsync(frame)).AsSpan().SequenceEqual(content));
    }

    [Fact]
    public async Task An_empty_frame_is_empty() => Assert.Empty(await ExpandAsync(new Lz4FrameForge().Build([])));

    [Fact]
    public async Task A_frame_that_is_cut_anywhere_is_refused()
    {
        var frame = new Lz4FrameForge { HasBlockChecksums = true, HasContentSize = true, BlockLength = 1000 }.Build(s_content[..3000]);
        for (var length = 0; length < frame.Length; length++)
        {
            await RefusedAsync(frame[..length]);
        }
    }

    [Fact]
    public async Task A_frame_with_a_changed_bit_anywhere_is_refused_unless_it_says_the_same()
    {
        var content = s_content[..3000];
        var frame = new Lz4FrameForge { HasContentSize = true, BlockLength = 1000 }.Build(content);
        var refused = 0;
        for (var bit = 0; bit < frame.Length * 8; bit++)
        {
            frame[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.Equal(content, await ExpandAsync(frame)); // A reference can lead to equal bytes elsewhere.
            }
            catch (InvalidDataException)
            {
                refused++;
            }

            frame[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(refused > frame.Length * 8 * 9 / 10, $"{refused} of {frame.Length * 8} were refused.");
    }

    [Fact]
    public async Task Bytes_after_a_frame_are_refused() => await RefusedAsync([.. new Lz4FrameForge().Build(s_content), 0]);

    [Fact]
    public async Task A_block_larger_than_the_header_says_is_refused()
        => await RefusedAsync(new Lz4FrameForge { BlockLength = 65537 }.Build(s_content));

    private static async Task RefusedAsync(byte[] frame) => await Assert.ThrowsAsync<InvalidDataException>(() => ExpandAsync(frame));

    private static async Task<byte[]> ExpandAsync(byte[] frame, int bytesOfRead = 65536)
    {
        await using var stream = new Lz4FrameStream(new MemoryStream(frame));
        using var content = new MemoryStream();
        await stream.CopyToAsync(content, bytesOfRead);
        return content.ToArray();
    }
}
