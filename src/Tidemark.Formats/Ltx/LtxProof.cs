using System.Buffers.Binary;
using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>The rolling database checksums before and after a file is applied, as far as its writer knew them.</summary>
/// <remarks>
/// They lie in the last 20 bytes of the header, which other programs ignore and every file checksum covers:
/// <code>
///   80      83      84               92              100
///   +-------+-------+----------------+----------------+
///   | "TDM" | flags | before         | after          |   Big-endian; zero where the flags do not announce it.
///   +-------+-------+----------------+----------------+
/// </code>
/// See docs/format/ltx.md, "Proof". The default value is "no proof".
/// </remarks>
/// <param name="Before">Checksum of the database at the TXID before the file's first, or null when it is not known or the file is a
/// snapshot.</param>
/// <param name="After">Checksum of the database at the file's last TXID, or null when it is not known.</param>
public readonly record struct LtxProof(DatabaseChecksum? Before, DatabaseChecksum? After)
{
    internal const int Size = 20;

    private const byte BeforeFlag = 1;
    private const byte AfterFlag = 2;
    private const int FlagsOffset = 3;
    private const int BeforeOffset = 4;
    private const int AfterOffset = 12;

    /// <summary>The writer knew neither.</summary>
    public static LtxProof None => default;

    private static ReadOnlySpan<byte> Tag => "TDM"u8;

    /// <summary>Reads the last 20 bytes of a header. Without the tag they are another writer's, and no proof.</summary>
    internal static LtxFault TryRead(ReadOnlySpan<byte> source, out LtxProof proof)
    {
        proof = default;
        if (!source.StartsWith(Tag))
        {
            return LtxFault.None;
        }

        var flags = source[FlagsOffset];
        var before = BinaryPrimitives.ReadUInt64BigEndian(source[BeforeOffset..]);
        var after = BinaryPrimitives.ReadUInt64BigEndian(source[AfterOffset..]);
        if ((flags & ~(BeforeFlag | AfterFlag)) != 0
            || IsMalformed(before, (flags & BeforeFlag) != 0)
            || IsMalformed(after, (flags & AfterFlag) != 0))
        {
            return LtxFault.InvalidProof;
        }

        proof = new LtxProof(ToChecksum(before), ToChecksum(after));
        return LtxFault.None;
    }

    /// <summary>Writes 20 bytes: all zero for "no proof", as other writers leave them.</summary>
    internal void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        if (this == None)
        {
            return;
        }

        Tag.CopyTo(destination);
        destination[FlagsOffset] = (byte)((Before is null ? 0 : BeforeFlag) | (After is null ? 0 : AfterFlag));
        BinaryPrimitives.WriteUInt64BigEndian(destination[BeforeOffset..], Before?.Value ?? 0);
        BinaryPrimitives.WriteUInt64BigEndian(destination[AfterOffset..], After?.Value ?? 0);
    }

    internal LtxFault Validate(bool isSnapshot)
    {
        var isValid = HasFlagOrIsNull(Before) && HasFlagOrIsNull(After) && !(isSnapshot && Before is not null);
        return isValid ? LtxFault.None : LtxFault.InvalidProof;
    }

    private static bool IsMalformed(ulong checksum, bool isAnnounced)
        => isAnnounced ? (checksum & DatabaseChecksum.Flag) == 0 : checksum != 0;

    private static DatabaseChecksum? ToChecksum(ulong value) => value == 0 ? null : new DatabaseChecksum(value);

    private static bool HasFlagOrIsNull(DatabaseChecksum? checksum)
        => checksum is not { } known || (known.Value & DatabaseChecksum.Flag) != 0;
}
