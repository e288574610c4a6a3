using System.Buffers.Binary;
using System.IO.Hashing;

namespace Tidemark.Formats.Compression;

/// <summary>The first bytes of an LZ4 frame.</summary>
/// <remarks>
/// <code>
///   magic 04224d18 | flags | block size id | [content size] | header checksum
/// </code>
/// All fields are little-endian.
/// </remarks>
internal readonly record struct Lz4FrameHeader
{
    /// <summary>Bytes of a header without content size.</summary>
    public const int SizeMin = 7;

    /// <summary>Bytes of a header with everything.</summary>
    public const int SizeMax = SizeMin + sizeof(ulong);

    private const uint Magic = 0x184D_2204;
    private const int DescriptorOffset = 4;
    private const byte ContentSizeFlag = 0b0000_1000;

    private readonly byte _flags;
    private readonly byte _blockSizeId;

    private Lz4FrameHeader(byte flags, byte blockSizeId) => (_flags, _blockSizeId) = (flags, blockSizeId);

    /// <summary>Whether each block can be expanded without those before it.</summary>
    public bool HasIndependentBlocks => (_flags & 0b0010_0000) != 0;

    /// <summary>Whether a checksum follows each block.</summary>
    public bool HasBlockChecksums => (_flags & 0b0001_0000) != 0;

    /// <summary>Whether a checksum of the expanded bytes ends the frame.</summary>
    public bool HasContentChecksum => (_flags & 0b0000_0100) != 0;

    /// <summary>How many bytes the frame expands to, if it says so.</summary>
    public ulong? ContentSize { get; private init; }

    /// <summary>The most that a block may expand to, and that it may take in the frame.</summary>
    public int BlockSizeMax => 1 << (8 + (2 * (_blockSizeId >> 4)));

    /// <summary>Bytes of the header.</summary>
    public int Size => SizeOf(_flags);

    /// <summary>Bytes of the header that begins with these <see cref="SizeMin"/> bytes.</summary>
    public static int SizeOf(ReadOnlySpan<byte> source) => SizeOf(source[DescriptorOffset]);

    /// <summary>Reads a header.</summary>
    /// <returns>False when it is not one, is damaged, or needs a dictionary. Of a header whose end is not in
    /// <paramref name="source"/>, which has at least <see cref="SizeMin"/> bytes, only its beginning is checked.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out Lz4FrameHeader header)
    {
        header = new Lz4FrameHeader(source[DescriptorOffset], source[DescriptorOffset + 1]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic || !header.IsSupported)
        {
            return false;
        }

        if (source.Length < header.Size)
        {
            return true;
        }

        if (header.Size == SizeMax)
        {
            header = header with { ContentSize = BinaryPrimitives.ReadUInt64LittleEndian(source[(SizeMin - 1)..]) };
        }

        var descriptor = source[DescriptorOffset..(header.Size - 1)];
        return source[header.Size - 1] == (byte)(XxHash32.HashToUInt32(descriptor) >> 8);
    }

    // The version is 1, the reserved bit is 0, and no dictionary is needed. The upper half of the block size id is the largest block, from
    // 64 KiB (4) to 4 MiB (7); its other bits are reserved.
    private bool IsSupported => (_flags & 0b1100_0011) == 0b0100_0000 && (_blockSizeId & 0x8F) == 0 && _blockSizeId >= 0x40;

    private static int SizeOf(byte flags) => (flags & ContentSizeFlag) == 0 ? SizeMin : SizeMax;
}
