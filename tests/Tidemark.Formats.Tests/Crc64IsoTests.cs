namespace Tidemark.Formats.Tests;

public sealed class Crc64IsoTests
{
    private static readonly Gen<byte[]> s_bytes = Gen.OneOf(Gen.Byte.Array[0, 40], Gen.Byte.Array[100, 700]);

    [Fact]
    public void The_check_value_is_the_published_one() => Assert.Equal(0xb90956c775a41001, Crc64Iso.Append(0, "123456789"u8));

    [Fact]
    public void The_checksum_of_nothing_is_zero() => Assert.Equal(0UL, Crc64Iso.Append(0, []));

    [Fact]
    public void All_ways_agree_with_one_bit_after_the_other()
        => Gen.Select(Gen.ULong, s_bytes).Sample((start, bytes) =>
        {
            var expected = BitByBit(start, bytes);
            Assert.Equal(expected, Crc64Iso.Append(start, bytes));
            Assert.Equal(expected, ~Crc64IsoTable.Update(~start, bytes));
            if (Crc64IsoFolding.IsSupported && bytes.Length >= Crc64IsoFolding.LengthMin)
            {
                Assert.Equal(expected, ~Crc64IsoFolding.Update(~start, bytes));
            }
        });

    [Fact]
    public void Every_length_up_to_a_few_steps_agrees()
    {
        var bytes = new byte[400];
        new Random(1).NextBytes(bytes);
        for (var length = 0; length <= bytes.Length; length++)
        {
            Assert.Equal(BitByBit(0, bytes.AsSpan(0, length)), Crc64Iso.Append(0, bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Pieces_give_the_checksum_of_the_whole()
        => Gen.Select(s_bytes, s_bytes).Sample((first, second) =>
            Assert.Equal(Crc64Iso.Append(0, [.. first, .. second]), Crc64Iso.Append(Crc64Iso.Append(0, first), second)));

    [Fact]
    public void Combining_gives_the_checksum_of_the_whole()
        => Gen.Select(s_bytes, s_bytes).Sample((first, second) => Assert.Equal(
            Crc64Iso.Append(0, [.. first, .. second]),
            Crc64Iso.Combine(Crc64Iso.Append(0, first), Crc64Iso.Append(0, second), second.Length)));

    [Fact]
    public void Combining_is_associative_for_any_length()
        => Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, Gen.Long[0, long.MaxValue / 2], Gen.Long[0, long.MaxValue / 2]).Sample(
            (a, b, c, lengthB, lengthC) => Assert.Equal(
                Crc64Iso.Combine(Crc64Iso.Combine(a, b, lengthB), c, lengthC),
                Crc64Iso.Combine(a, Crc64Iso.Combine(b, c, lengthC), lengthB + lengthC)));

    [Fact]
    public void A_negative_length_cannot_be_combined() => Assert.Throws<ArgumentOutOfRangeException>(() => Crc64Iso.Combine(1, 2, -1));

    private static ulong BitByBit(ulong crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xD800000000000000 : crc >> 1;
            }
        }

        return ~crc;
    }
}
