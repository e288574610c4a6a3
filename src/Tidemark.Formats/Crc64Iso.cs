namespace Tidemark.Formats;

/// <summary>CRC-64/GO-ISO: reflected, polynomial 0xD800000000000000, initial value and final exclusive-or all ones.</summary>
/// <remarks>The check value for "123456789" is b90956c775a41001. Thread-safe.</remarks>
public static class Crc64Iso
{
    /// <summary>Continues a checksum over more bytes; start with 0.</summary>
    public static ulong Append(ulong crc, ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>The checksum of A followed by B, from the checksum of each and the length of B in bytes.</summary>
    public static ulong Combine(ulong crcA, ulong crcB, long lengthB) => throw new NotImplementedException();
}
