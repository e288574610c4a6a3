using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>Builds LZ4 frames with any of the options of the LZ4 frame format.</summary>
internal sealed record Lz4FrameForge
{
    public bool HasBlockChecksums { get; init; }

    public bool HasContentSize { get; init; }

    public bool HasContentChecksum { get; init; } = true;

    /// <summary>Blocks refer to the content of those before.</summary>
    public bool AreBlocksLinked { get; init; }

    /// <summary>Blocks are stored as they are.</summary>
    public bool IsStored { get; init; }

    /// <summary>Content of a block, in bytes.</summary>
    public int BlockLength { get; init; } = 65536;

    /// <summary>Is exclusive-ored to the flags before the header checksum is made.</summary>
    public byte FlagsError { get; init; }

    /// <summary>The byte of the block size.</summary>
    public byte BlockSizeByte { get; init; } = 0x40;

    /// <summary>Is exclusive-ored to the three kinds of checksums.</summary>
    public uint HeaderChecksumError { get; init; }

    public uint BlockChecksumError { get; init; }

    public uint ContentChecksumError { get; init; }

    public long ContentSizeError { get; init; }

    public byte[] Build(byte[] content)
    {
        var flags = (byte)(0x40
            | (AreBlocksLinked ? 0 : 0x20)
            | (HasBlockChecksums ? 0x10 : 0)
            | (HasContentSize ? 0x08 : 0)
            | (HasContentChecksum ? 0x04 : 0));
        var contentSize = HasContentSize ? Word64((ulong)(content.Length + ContentSizeError)) : [];
        byte[] descriptor = [(byte)(flags ^ FlagsError), BlockSizeByte, .. contentSize];
        var headerChecksum = (byte)((XxHash32.HashToUInt32(descriptor) >> 8) ^ HeaderChecksumError);
        List<byte> frame = [0x04, 0x22, 0x4D, 0x18, .. descriptor, headerChecksum];
        for (var at = 0; at < content.Length; at += BlockLength)
        {
            frame.AddRange(Block(content, at, Math.Min(BlockLength, content.Length - at)));
        }

        frame.AddRange(Word(0));
        frame.AddRange(HasContentChecksum ? Word(XxHash32.HashToUInt32(content) ^ ContentChecksumError) : []);
        return [.. frame];
    }

    private static byte[] Word(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Word64(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    // A linked block that only repeats the block before it: one match that reaches back, then five literals, as LZ4 demands at the end.
    private static byte[] Repeat(byte[] content, int at, int length)
    {
        var match = length - 5;
        List<byte> block = [0x0F, (byte)length, (byte)(length >> 8)];
        var rest = match - 4 - 15;
        for (; rest >= 255; rest -= 255)
        {
            block.Add(255);
        }

        return [.. block, (byte)rest, 0x50, .. content.AsSpan(at + match, 5)];
    }

    private byte[] Block(byte[] content, int at, int length)
    {
        var bytes = content.AsSpan(at, length).ToArray();
        var isRepeated = AreBlocksLinked && at > 0;
        if (!IsStored)
        {
            var target = new byte[LZ4Codec.MaximumOutputSize(length)];
            bytes = isRepeated ? Repeat(content, at, length) : target[..LZ4Codec.Encode(bytes, target)];
        }

        var checksum = HasBlockChecksums ? Word(XxHash32.HashToUInt32(bytes) ^ BlockChecksumError) : [];
        return [.. Word((uint)bytes.Length | (IsStored ? 1U << 31 : 0)), .. bytes, .. checksum];
    }
}
