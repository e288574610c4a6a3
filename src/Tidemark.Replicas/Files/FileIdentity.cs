using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tidemark.Replicas.Files;

/// <summary>Which file of this machine a name leads to: two names of one file have the same.</summary>
/// <param name="Device">The file system.</param>
/// <param name="Number">The file in it.</param>
public readonly partial record struct FileIdentity(ulong Device, ulong Number)
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint NumberWanted = 0x100; // STATX_INO

    // struct statx, the same on every architecture: https://man7.org/linux/man-pages/man2/statx.2.html
    private const int Size = 256;
    private const int NumberOffset = 32;
    private const int DeviceOffset = 136;

    /// <summary>Looks; null when there is no such file.</summary>
    [SupportedOSPlatform("linux")]
    internal static FileIdentity? TryOf(string path)
    {
        Span<byte> facts = stackalloc byte[Size];
        return Statx(CurrentDirectory, path, 0, NumberWanted, ref MemoryMarshal.GetReference(facts)) == 0
            ? new FileIdentity(BitConverter.ToUInt64(facts[DeviceOffset..]), BitConverter.ToUInt64(facts[NumberOffset..]))
            : null;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte facts);
}
