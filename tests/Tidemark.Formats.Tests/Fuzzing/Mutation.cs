using System.Buffers.Binary;

namespace Tidemark.Formats.Tests.Fuzzing;

/// <summary>Damages bytes in the ways in which files are damaged, and in the ways in which an attacker would.</summary>
internal static class Mutation
{
    private static readonly ulong[] s_interesting =
    [
        0, 1, 2, 0x7F, 0x80, 0xFF, 0x200, 0x1000, 0x10000, int.MaxValue, 1U << 31, uint.MaxValue, long.MaxValue, 1UL << 63, ulong.MaxValue,
    ];

    /// <summary>A damaged copy; <paramref name="other"/> gives pieces.</summary>
    public static byte[] Of(byte[] original, byte[] other, Random random)
    {
        var bytes = original.ToList();
        for (var count = random.Next(1, 5); count > 0; count--)
        {
            Change(bytes, other, random);
        }

        return [.. bytes];
    }

    private static void Change(List<byte> bytes, byte[] other, Random random)
    {
        if (bytes.Count == 0)
        {
            bytes.AddRange(Piece(other, random));
            return;
        }

        var at = Offset(bytes.Count, random);
        var length = random.Next(1, Math.Min(64, bytes.Count - at) + 1);
        switch (random.Next(9))
        {
            case 0:
            case 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                bytes[at] = (byte)random.Next(256);
                break;
            case 3:
            case 4:
                Overwrite(bytes, at, Number(bytes.Count, random));
                break;
            case 5:
                bytes.RemoveRange(at, random.Next(2) == 0 ? length : bytes.Count - at);
                break;
            case 6:
                bytes.InsertRange(at, Piece(other, random));
                break;
            case 7:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            default:
                Overwrite(bytes, at, Piece(other, random));
                break;
        }
    }

    // Beginnings and ends hold more structure than the middle.
    private static int Offset(int count, Random random) => random.Next(3) switch
    {
        0 => random.Next(Math.Min(count, 130)),
        1 => count - 1 - random.Next(Math.Min(count, 60)),
        _ => random.Next(count),
    };

    private static byte[] Number(int count, Random random)
    {
        var value = random.Next(3) switch
        {
            0 => s_interesting[random.Next(s_interesting.Length)],
            1 => (ulong)(count + random.Next(-40, 40)),
            _ => (ulong)random.NextInt64(),
        };
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes[^(1 << random.Next(4))..];
    }

    private static byte[] Piece(byte[] other, Random random)
    {
        var at = random.Next(other.Length);
        return other[at..(at + random.Next(1, Math.Min(400, other.Length - at) + 1))];
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] piece)
    {
        for (var i = 0; i < piece.Length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = piece[i];
        }
    }
}
