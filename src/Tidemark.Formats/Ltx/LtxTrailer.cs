using System.Buffers.Binary;
using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>The last 16 bytes of an LTX file.</summary>
/// <remarks>
/// <code>
///   0                8               16
///   +----------------+---------------+
///   | checksum after | file checksum |   Both big-endian. Bit 63 is always set when present, so zero means absent.
///   +----------------+---------------+
/// </code>
/// </remarks>
/// <param name="PostApplyChecksum">The standard checksum-after field; 0 when absent.</param>
/// <param name="FileChecksum">Checksum of the file, with bit 63 set.</param>
public readonly record struct LtxTrailer(ulong PostApplyChecksum, ulong FileChecksum)
{
    /// <summary>Bytes of the trailer.</summary>
    public const int Size = 16;

    /// <summary>The bytes before the file checksum, which the file checksum covers.</summary>
    internal const int CheckedSize = 8;

    /// <summary>Reads a trailer and checks it against the header of its file.</summary>
    /// <returns><see cref="LtxFault.None"/>, or what is wrong; then <paramref name="trailer"/> is the default value.</returns>
    public static LtxFault TryRead(ReadOnlySpan<byte> source, in LtxHeader header, out LtxTrailer trailer)
    {
        trailer = default;
        if (source.Length < Size)
        {
            return LtxFault.Truncated;
        }

        var read = new LtxTrailer(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt64BigEndian(source[8..]));
        var fault = read.Validate(header);
        trailer = fault == LtxFault.None ? read : default;
        return fault;
    }

    /// <summary>Checks the rules between the header and the trailer of a file.</summary>
    public LtxFault Validate(in LtxHeader header)
    {
        if (ValidatePostApply(header) is not LtxFault.None and var fault)
        {
            return fault;
        }

        return (FileChecksum & DatabaseChecksum.Flag) != 0 ? LtxFault.None : LtxFault.InvalidFileChecksum;
    }

    /// <summary>Writes the trailer to the first <see cref="Size"/> bytes of <paramref name="destination"/>.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, PostApplyChecksum);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], FileChecksum);
    }

    private LtxFault ValidatePostApply(in LtxHeader header)
    {
        // A file that leaves nothing of a database must say so twice: by its size and by the checksum of no pages, which needs tracking.
        if (header.Commit == 0)
        {
            return header.TracksChecksums && PostApplyChecksum == DatabaseChecksum.Empty.Value
                ? LtxFault.None
                : LtxFault.InvalidPostApplyChecksum;
        }

        if (!header.TracksChecksums)
        {
            return PostApplyChecksum == 0 ? LtxFault.None : LtxFault.UnexpectedPostApplyChecksum;
        }

        return (PostApplyChecksum & DatabaseChecksum.Flag) != 0 ? LtxFault.None : LtxFault.InvalidPostApplyChecksum;
    }
}
