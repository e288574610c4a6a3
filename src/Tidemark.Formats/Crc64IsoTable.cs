using System.Buffers.Binary;

namespace Tidemark.Formats;

/// <summary>CRC-64/GO-ISO with tables, eight bytes a step: for short inputs, and for processors without carry-less
/// multiplication.</summary>
/// <remarks>Works on the raw state, which is the complement of the checksum.</remarks>
internal static class Crc64IsoTable
{
    private const int BytesPerStep = sizeof(ulong);
    private const int Entries = 256;

    // Row r holds, for each value of a byte, what that byte contributes when r more bytes follow it.
    private static readonly ulong[] s_table = MakeTable();

    /// <summary>Continues the raw state over more bytes.</summary>
    public static ulong Update(ulong state, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> table = s_table.AsSpan(0, BytesPerStep * Entries);
        while (bytes.Length >= BytesPerStep)
        {
            state ^= BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            state = table[(7 * Entries) + (byte)state]
                ^ table[(6 * Entries) + (byte)(state >> 8)]
                ^ table[(5 * Entries) + (byte)(state >> 16)]
                ^ table[(4 * Entries) + (byte)(state >> 24)]
                ^ table[(3 * Entries) + (byte)(state >> 32)]
                ^ table[(2 * Entries) + (byte)(state >> 40)]
                ^ table[Entries + (byte)(state >> 48)]
                ^ table[(byte)(state >> 56)];
            bytes = bytes[BytesPerStep..];
        }

        foreach (var value in bytes)
        {
            state = table[(byte)(state ^ value)] ^ (state >> 8);
        }

        return state;
    }

    private static ulong[] MakeTable()
    {
        var table = new ulong[BytesPerStep * Entries];
        for (var value = 0; value < Entries; value++)
        {
            var state = (ulong)value;
            for (var bit = 0; bit < 8; bit++)
            {
                state = (state >> 1) ^ (Crc64Iso.Polynomial & (0 - (state & 1)));
            }

            table[value] = state;
        }

        for (var index = Entries; index < table.Length; index++)
        {
            var before = table[index - Entries];
            table[index] = table[(byte)before] ^ (before >> 8);
        }

        return table;
    }
}
