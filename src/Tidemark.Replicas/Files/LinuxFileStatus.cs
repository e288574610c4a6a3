using System.Runtime.InteropServices;

namespace Tidemark.Replicas.Files;

/// <summary>What Linux tells of a file by <c>statx</c>, whose layout is the same on every processor.</summary>
/// <remarks>https://man7.org/linux/man-pages/man2/statx.2.html</remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal readonly partial struct LinuxFileStatus
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint Wanted = 0x0001 | 0x0100 | 0x0200 | 0x0040 | 0x0080; // STATX_TYPE, _INO, _SIZE, _MTIME, _CTIME
    private const int KindBits = 0xF000; // S_IFMT
    private const int Folder = 0x4000; // S_IFDIR
    private const int Regular = 0x8000; // S_IFREG

    [FieldOffset(0)]
    private readonly uint _mask;

    [FieldOffset(28)]
    private readonly ushort _mode;

    [FieldOffset(136)]
    private readonly uint _deviceMajor;

    [FieldOffset(140)]
    private readonly uint _deviceMinor;

    /// <summary>Inode number.</summary>
    [field: FieldOffset(32)]
    public ulong Number { get; }

    [field: FieldOffset(40)]
    public long SizeBytes { get; }

    /// <summary>When anything of the file was changed last.</summary>
    [field: FieldOffset(96)]
    public Time Changed { get; }

    /// <summary>When its content was changed last.</summary>
    [field: FieldOffset(112)]
    public Time Modified { get; }

    public ulong Device => ((ulong)_deviceMajor << 32) | _deviceMinor;

    /// <summary>Whether it is neither a file with content nor a folder: a device, a pipe or a socket.</summary>
    public bool IsSpecial => (_mode & KindBits) is not (Regular or Folder);

    /// <summary>Asks for the file that a path leads to; null when there is none, or on a system that cannot tell.</summary>
    public static LinuxFileStatus? TryGet(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            return Ask(CurrentFolder, path, 0, Wanted, out var status) == 0 && (status._mask & Wanted) == Wanted ? status : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null; // A C library from before statx.
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Ask(int folder, string path, int flags, uint mask, out LinuxFileStatus status);

    /// <summary>A moment, as the system tells it.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    public readonly struct Time
    {
        private readonly long _seconds;
        private readonly uint _nanoseconds;

        /// <summary>Since 1970 (UTC).</summary>
        public long Nanoseconds => (_seconds * 1_000_000_000) + _nanoseconds;
    }
}
