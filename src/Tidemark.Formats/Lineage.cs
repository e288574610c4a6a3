using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Tidemark.Formats;

/// <summary>A random 64-bit identity of the writer of a replica; new whenever a database starts a replica or takes one over.</summary>
/// <remarks>It is stored in the node id field of an LTX header. The default value, <see cref="None"/>, is what other writers leave
/// there.</remarks>
public readonly record struct Lineage(ulong Value)
{
    /// <summary>The file was written by a program that keeps no lineage.</summary>
    public static Lineage None => default;

    /// <summary>Makes a new identity from the operating system's random numbers.</summary>
    public static Lineage Create()
    {
        Span<byte> random = stackalloc byte[8];
        do
        {
            RandomNumberGenerator.Fill(random);
        }
        while (BinaryPrimitives.ReadUInt64LittleEndian(random) == 0);
        return new Lineage(BinaryPrimitives.ReadUInt64LittleEndian(random));
    }

    /// <summary>16 lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
