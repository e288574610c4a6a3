using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace Tidemark.Formats.Compression;

/// <summary>Reads an LZ4 frame that lies in memory, such as older programs wrote for every page.</summary>
/// <remarks>
/// <code>
///   magic 04224d18 | flags | block size id | [content size] | header checksum | { size | block | [checksum] }... | 0 | [content checksum]
/// </code>
/// All fields are little-endian. Frames that need a dictionary are refused: nobody writes them here.
/// </remarks>
internal static class Lz4Frame
{
    private const uint StoredFlag = 1U << 31;
    private const int WordSize = 4;

    /// <summary>Finds out how long the frame is at whose beginning <paramref name="source"/> stands.</summary>
    /// <param name="source">The bytes that are known so far.</param>
    /// <param name="lengthMax">Longer frames are not valid.</param>
    /// <param name="length">
    /// The frame's length when it is wholly in <paramref name="source"/>; otherwise how many bytes are needed to find out more, which is
    /// more than there are.
    /// </param>
    /// <returns>False when it is not a frame, or one longer than <paramref name="lengthMax"/>.</returns>
    public static bool TryMeasure(ReadOnlySpan<byte> source, int lengthMax, out int length)
    {
        length = Lz4FrameHeader.SizeMin;
        if (source.Length < length)
        {
            return true;
        }

        if (!Lz4FrameHeader.TryRead(source, out var header))
        {
            return false;
        }

        // Every turn of the loop looks at the size of one block; a size of zero ends the frame.
        for (length = header.Size + WordSize; length <= source.Length; length += WordSize)
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(source[(length - WordSize)..]);
            if (size == 0)
            {
                length += header.HasContentChecksum ? WordSize : 0;
                return length <= lengthMax;
            }

            var sizeInFrame = (size & ~StoredFlag) + (header.HasBlockChecksums ? WordSize : 0L);
            if (sizeInFrame > lengthMax - length)
            {
                return false;
            }

            length += (int)sizeInFrame;
        }

        return length <= lengthMax;
    }

    /// <summary>Expands a whole frame, as measured, and checks its checksums.</summary>
    /// <returns>How many bytes were written to <paramref name="target"/>, or -1 when the frame is damaged or expands to more.</returns>
    public static int Decode(ReadOnlySpan<byte> frame, Span<byte> target)
    {
        if (frame.Length < Lz4FrameHeader.SizeMin || !Lz4FrameHeader.TryRead(frame, out var header) || frame.Length < header.Size)
        {
            return -1;
        }

        var rest = frame[header.Size..];
        var written = 0;
        while (true)
        {
            if (!TryTakeWord(ref rest, out var size))
            {
                return -1;
            }

            if (size == 0)
            {
                break;
            }

            var length = (int)(size & ~StoredFlag);
            if (length > rest.Length)
            {
                return -1;
            }

            var block = rest[..length];
            rest = rest[length..];
            if (header.HasBlockChecksums && !HasChecksumOf(block, ref rest))
            {
                return -1;
            }

            var dictionary = header.HasIndependentBlocks ? default : target[..written];
            var added = DecodeBlock(block, (size & StoredFlag) != 0, target[written..], dictionary);
            if (added < 0)
            {
                return -1;
            }

            written += added;
        }

        var content = target[..written];
        var isWhole = (!header.HasContentChecksum || HasChecksumOf(content, ref rest))
            && (header.ContentSize is not { } promised || promised == (ulong)written)
            && rest.IsEmpty;
        return isWhole ? written : -1;
    }

    /// <summary>Expands one block.</summary>
    /// <param name="block">Its bytes.</param>
    /// <param name="isStored">Whether it is not compressed.</param>
    /// <param name="target">Takes the expanded bytes.</param>
    /// <param name="dictionary">The bytes before, where the block may lean on them.</param>
    /// <returns>How many bytes were written, or -1 when the block is damaged or expands to more.</returns>
    public static int DecodeBlock(ReadOnlySpan<byte> block, bool isStored, Span<byte> target, ReadOnlySpan<byte> dictionary)
    {
        if (isStored)
        {
            return block.TryCopyTo(target) ? block.Length : -1;
        }

        return dictionary.IsEmpty ? LZ4Codec.Decode(block, target) : LZ4Codec.Decode(block, target, dictionary);
    }

    private static bool HasChecksumOf(ReadOnlySpan<byte> bytes, ref ReadOnlySpan<byte> rest)
        => TryTakeWord(ref rest, out var checksum) && checksum == XxHash32.HashToUInt32(bytes);

    private static bool TryTakeWord(ref ReadOnlySpan<byte> rest, out uint word)
    {
        if (!BinaryPrimitives.TryReadUInt32LittleEndian(rest, out word))
        {
            return false;
        }

        rest = rest[WordSize..];
        return true;
    }
}
