using Tidemark.Formats.Compression;
using Tidemark.Formats.Tests.Ltx;

namespace Tidemark.Formats.Tests.Compression;

public sealed class Lz4FrameTests
{
    private const int LengthMax = 10_000;

    private static readonly byte[] s_content = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i % 256 * (i / 1024)))];

    // Four times the same kilobyte, for blocks that refer to the one before.
    private static readonly byte[] s_repeated = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i % 1024 * 7 / 5))];

    private static readonly Gen<Lz4FrameForge> s_forges = Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool, Gen.Bool, Gen.Int[1, 4200]).Select(
        (blockChecksums, contentSize, contentChecksum, isStored, blockLength) => new Lz4FrameForge
        {
            HasBlockChecksums = blockChecksums,
            HasContentSize = contentSize,
            HasContentChecksum = contentChecksum,
            IsStored = isStored,
            BlockLength = Math.Max(blockLength, 256),
        });

    [Fact]
    public void A_frame_with_any_options_expands()
        => s_forges.Sample(
            forge =>
            {
                var frame = forge.Build(s_content);
                Assert.True(Lz4Frame.TryMeasure([.. frame, 1, 2, 3], LengthMax, out var length));
                Assert.Equal(frame.Length, length);
                Assert.Equal(s_content, Expand(frame));
            },
            iter: 200);

    [Fact]
    public void Blocks_that_refer_to_blocks_before_them_expand()
        => Assert.Equal(s_repeated, Expand(new Lz4FrameForge { AreBlocksLinked = true, BlockLength = 1024 }.Build(s_repeated)));

    [Fact]
    public void Blocks_that_refer_to_blocks_before_them_need_the_flag_that_says_so()
        => Assert.Null(Expand(new Lz4FrameForge { AreBlocksLinked = true, BlockLength = 1024, FlagsError = 0x20 }.Build(s_repeated)));

    [Fact]
    public void The_length_of_a_part_of_a_frame_is_more_than_the_part()
    {
        var frame = new Lz4FrameForge { HasBlockChecksums = true, HasContentSize = true, BlockLength = 1000 }.Build(s_content);
        for (var length = 0; length < frame.Length; length++)
        {
            Assert.True(Lz4Frame.TryMeasure(frame.AsSpan(0, length), LengthMax, out var needed));
            Assert.InRange(needed, length + 1, frame.Length);
            Assert.Equal(-1, Lz4Frame.Decode(frame.AsSpan(0, length), new byte[4096]));
        }
    }

    [Fact]
    public void A_frame_longer_than_allowed_is_not_measured()
    {
        var frame = new Lz4FrameForge { IsStored = true }.Build(s_content);
        Assert.True(Lz4Frame.TryMeasure(frame, frame.Length, out _));
        Assert.False(Lz4Frame.TryMeasure(frame, frame.Length - 1, out _));
        Assert.False(Lz4Frame.TryMeasure(frame.AsSpan(0, 20), frame.Length - 9, out _));
    }

    [Theory]
    [InlineData(0x80)] // version
    [InlineData(0x02)] // reserved
    [InlineData(0x01)] // dictionary
    public void A_frame_with_an_unknown_flag_is_refused(byte flag) => Refused(new Lz4FrameForge { FlagsError = flag });

    [Theory]
    [InlineData(0x30)]
    [InlineData(0xC0)]
    [InlineData(0x41)]
    public void A_frame_with_an_unknown_block_size_is_refused(byte value) => Refused(new Lz4FrameForge { BlockSizeByte = value });

    [Fact]
    public void A_frame_with_a_wrong_header_checksum_is_refused() => Refused(new Lz4FrameForge { HeaderChecksumError = 1 });

    [Fact]
    public void A_frame_with_a_wrong_block_checksum_does_not_expand()
        => Assert.Null(Expand(new Lz4FrameForge { HasBlockChecksums = true, BlockChecksumError = 1 }.Build(s_content)));

    [Fact]
    public void A_frame_with_a_wrong_content_checksum_does_not_expand()
        => Assert.Null(Expand(new Lz4FrameForge { ContentChecksumError = 1 }.Build(s_content)));

    [Fact]
    public void A_frame_with_a_wrong_content_size_does_not_expand()
        => Assert.Null(Expand(new Lz4FrameForge { HasContentSize = true, ContentSizeError = 1 }.Build(s_content)));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_frame_that_expands_to_more_than_there_is_room_for_does_not_expand(bool isStored)
        => Assert.Equal(-1, Lz4Frame.Decode(new Lz4FrameForge { IsStored = isStored }.Build(s_content), new byte[4095]));

    [Fact]
    public void Bytes_after_a_frame_are_not_part_of_it()
        => Assert.Equal(-1, Lz4Frame.Decode([.. new Lz4FrameForge().Build(s_content), 0], new byte[4096]));

    private static byte[]? Expand(byte[] frame)
    {
        var target = new byte[4200];
        var length = Lz4Frame.Decode(frame, target);
        return length < 0 ? null : target[..length];
    }

    private static void Refused(Lz4FrameForge forge)
    {
        var frame = forge.Build(s_content);
        Assert.False(Lz4Frame.TryMeasure(frame, LengthMax, out _));
        Assert.Null(Expand(frame));
    }
}
