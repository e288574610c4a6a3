namespace Tidemark.Formats.Ltx;

/// <summary>Unsigned LEB128, as the page index uses it: 7 bits a byte, the lowest first, the highest bit set on all bytes but the
/// last.</summary>
internal static class LtxVarint
{
    /// <summary>The longest form of a 64-bit number, in bytes.</summary>
    public const int SizeMax = 10;

    /// <summary>Writes the shortest form and returns its length in bytes.</summary>
    public static int Write(Span<byte> destination, ulong value)
    {
        var length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            destination[length++] = (byte)(value | 0x80);
        }

        destination[length++] = (byte)value;
        return length;
    }

    /// <summary>Reads a number.</summary>
    /// <returns>
    /// Its length in bytes; 0 when <paramref name="source"/> ends within it; -1 when it is not the shortest form or does not fit into 64
    /// bits.
    /// </returns>
    public static int TryRead(ReadOnlySpan<byte> source, out ulong value)
    {
        value = 0;
        for (var length = 0; length < source.Length && length < SizeMax; length++)
        {
            var group = source[length];
            value |= (ulong)(group & 0x7F) << (7 * length);
            if (group < 0x80)
            {
                var isShortest = group != 0 || length == 0;
                var fits = length < SizeMax - 1 || group == 1;
                return isShortest && fits ? length + 1 : -1;
            }
        }

        return source.Length < SizeMax ? 0 : -1;
    }
}
