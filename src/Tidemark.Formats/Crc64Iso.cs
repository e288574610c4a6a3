namespace Tidemark.Formats;

/// <summary>CRC-64/GO-ISO: reflected, polynomial 0xD800000000000000, initial value and final exclusive-or all ones.</summary>
/// <remarks>
/// The check value for "123456789" is b90956c775a41001. Thread-safe. (The CRC-64 of .NET's own library is another one, ECMA-182.)
/// Every page of a restore and of a capture passes through here, so the processor's carry-less multiplication is used where it has one.
/// </remarks>
public static class Crc64Iso
{
    /// <summary>The polynomial x^64 + x^4 + x^3 + x + 1 without its highest term, reflected: bit 63 stands for x^0.</summary>
    internal const ulong Polynomial = 0xD800_0000_0000_0000;

    private const ulong One = 1UL << 63;

    // Entry k is x^(8 * 2^k): multiplying by it is the same as appending 2^k zero bytes.
    private static readonly ulong[] s_appendZeros = MakeAppendZeros();

    /// <summary>Continues a checksum over more bytes; start with 0.</summary>
    public static ulong Append(ulong crc, ReadOnlySpan<byte> bytes)
        => ~(Crc64IsoFolding.IsSupported && bytes.Length >= Crc64IsoFolding.LengthMin
            ? Crc64IsoFolding.Update(~crc, bytes)
            : Crc64IsoTable.Update(~crc, bytes));

    /// <summary>The checksum of A followed by B, from the checksum of each and the length of B in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    public static ulong Combine(ulong crcA, ulong crcB, long lengthB)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthB);

        // The all-ones at the start of B and at the end of A cancel out, so that moving A's checksum past B's bytes is all there is to do.
        var moved = crcA;
        for (var k = 0; lengthB != 0; k++, lengthB >>= 1)
        {
            if ((lengthB & 1) != 0)
            {
                moved = Multiply(moved, s_appendZeros[k]);
            }
        }

        return moved ^ crcB;
    }

    /// <summary>x to the power of <paramref name="exponent"/>, modulo the polynomial.</summary>
    internal static ulong PowerOfX(int exponent)
    {
        var power = One;
        for (var i = 0; i < exponent; i++)
        {
            power = MultiplyByX(power);
        }

        return power;
    }

    private static ulong MultiplyByX(ulong a) => (a >> 1) ^ (Polynomial & (0 - (a & 1)));

    private static ulong Multiply(ulong a, ulong b)
    {
        var product = 0UL;
        for (; a != 0; a <<= 1)
        {
            product ^= b & (0 - (a >> 63));
            b = MultiplyByX(b);
        }

        return product;
    }

    private static ulong[] MakeAppendZeros()
    {
        var powers = new ulong[63];
        powers[0] = PowerOfX(8);
        for (var k = 1; k < powers.Length; k++)
        {
            powers[k] = Multiply(powers[k - 1], powers[k - 1]);
        }

        return powers;
    }
}
