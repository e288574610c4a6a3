using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tidemark.Formats.Wal;

/// <summary>The running checksum of a WAL: two 32-bit sums over pairs of words, chained from the header through every frame.</summary>
/// <remarks>See https://www.sqlite.org/fileformat2.html#checksum_algorithm. The words are read in the byte order that the WAL's magic
/// number names.</remarks>
public readonly record struct WalChecksum(uint S0, uint S1)
{
    /// <summary>Continues the sum over <paramref name="bytes"/>, whose length must be a multiple of 8.</summary>
    public WalChecksum Append(ReadOnlySpan<byte> bytes, bool isBigEndian)
    {
        Invariant.Holds(bytes.Length % 8 == 0, $"A WAL checksum covers pairs of words, not {bytes.Length} bytes.");
        var (s0, s1) = (S0, S1);
        if (isBigEndian != BitConverter.IsLittleEndian)
        {
            foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            {
                // One load for two words: in the machine's own order the first word is the lower half on a little-endian machine.
                var (first, second) = BitConverter.IsLittleEndian ? ((uint)word, (uint)(word >> 32)) : ((uint)(word >> 32), (uint)word);
                s0 += first + s1;
                s1 += second + s0;
            }
        }
        else
        {
            foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            {
                var swapped = BinaryPrimitives.ReverseEndianness(word);
                var (first, second) = BitConverter.IsLittleEndian
                    ? ((uint)(swapped >> 32), (uint)swapped)
                    : ((uint)swapped, (uint)(swapped >> 32));
                s0 += first + s1;
                s1 += second + s0;
            }
        }

        return new WalChecksum(s0, s1);
    }

    /// <summary>Both sums in hexadecimal, separated by a slash.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{S0:x8}/{S1:x8}");
}
