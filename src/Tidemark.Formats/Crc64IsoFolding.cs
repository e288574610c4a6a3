using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;

namespace Tidemark.Formats;

/// <summary>CRC-64/GO-ISO by carry-less multiplication: 64 bytes a step, about six times as fast as tables.</summary>
/// <remarks>
/// 128 bits of the input can be moved any distance towards the end, modulo the polynomial, by multiplying each half with a power of x. Four
/// such accumulators run side by side, so that the processor never waits for a product. Wider registers are three times faster still, but
/// decompression is the slower neighbour already. Works on the raw state, which is the complement of the checksum.
/// </remarks>
internal static class Crc64IsoFolding
{
    /// <summary>Shorter inputs are faster with tables.</summary>
    public const int LengthMin = 128;

    private const int BytesPerLane = 16;
    private const int BytesPerStep = 4 * BytesPerLane;

    private static readonly Vector128<ulong> s_moveByLane = MakeMove(8 * BytesPerLane);
    private static readonly Vector128<ulong> s_moveByStep = MakeMove(8 * BytesPerStep);

    /// <summary>True where the processor can multiply without carries.</summary>
    public static bool IsSupported => BitConverter.IsLittleEndian && (Pclmulqdq.IsSupported || ArmAes.IsSupported);

    /// <summary>Continues the raw state over at least <see cref="LengthMin"/> bytes.</summary>
    public static ulong Update(ulong state, ReadOnlySpan<byte> bytes)
    {
        var step = bytes[..BytesPerStep];
        var a = Lane(step, 0) ^ Vector128.Create(state, 0UL);
        var b = Lane(step, 1);
        var c = Lane(step, 2);
        var d = Lane(step, 3);
        bytes = bytes[BytesPerStep..];
        for (var move = s_moveByStep; bytes.Length >= BytesPerStep; bytes = bytes[BytesPerStep..])
        {
            step = bytes[..BytesPerStep];
            a = Move(a, move) ^ Lane(step, 0);
            b = Move(b, move) ^ Lane(step, 1);
            c = Move(c, move) ^ Lane(step, 2);
            d = Move(d, move) ^ Lane(step, 3);
        }

        b ^= Move(a, s_moveByLane);
        c ^= Move(b, s_moveByLane);
        d ^= Move(c, s_moveByLane);
        for (; bytes.Length >= BytesPerLane; bytes = bytes[BytesPerLane..])
        {
            d = Move(d, s_moveByLane) ^ Lane(bytes, 0);
        }

        // The last accumulator stands for 16 bytes that give the same remainder as all bytes so far.
        Span<byte> equivalent = stackalloc byte[BytesPerLane];
        d.AsByte().CopyTo(equivalent);
        return Crc64IsoTable.Update(Crc64IsoTable.Update(0, equivalent), bytes);
    }

    private static Vector128<ulong> Lane(ReadOnlySpan<byte> step, int lane)
        => Vector128.Create(step.Slice(lane * BytesPerLane, BytesPerLane)).AsUInt64();

    private static Vector128<ulong> Move(Vector128<ulong> value, Vector128<ulong> move)
        => Pclmulqdq.IsSupported
            ? Pclmulqdq.CarrylessMultiply(value, move, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, move, 0x11)
            : ArmAes.PolynomialMultiplyWideningLower(value.GetLower(), move.GetLower())
                ^ ArmAes.PolynomialMultiplyWideningUpper(value, move);

    // The lower half of a lane comes first in the stream, so it has 64 bits more to go. The product of two reflected halves is one bit
    // short of 128, which takes one from each power.
    private static Vector128<ulong> MakeMove(int bits) => Vector128.Create(Crc64Iso.PowerOfX(bits + 63), Crc64Iso.PowerOfX(bits - 1));
}
