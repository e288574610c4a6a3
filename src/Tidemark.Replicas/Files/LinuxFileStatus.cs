using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tidemark.Replicas.Files;

/// <summary>What Linux tells of a file by <c>statx</c>, whose layout is the same on every processor.</summary>
/// <remarks>https://man7.org/linux/man-pages/man2/statx.2.html</remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal readonly partial struct LinuxFileStatus
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int NoFollowing = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int ItselfIfEmpty = 0x1000; // AT_EMPTY_PATH
    private const uint Wanted = 0x0001 | 0x0002 | 0x0004 | 0x0008 | 0x0010 // STATX_TYPE, STATX_MODE, STATX_NLINK, STATX_UID, STATX_GID
        | 0x0040 | 0x0080 | 0x0100 | 0x0200; // STATX_MTIME, STATX_CTIME, STATX_INO, STATX_SIZE
    private const ulong MountRoot = 0x2000; // STATX_ATTR_MOUNT_ROOT
    private const int KindMask = 0xF000; // S_IFMT
    private const int ModeMask = 0x0FFF;

    [FieldOffset(0)]
    private readonly uint _mask;

    [FieldOffset(8)]
    private readonly ulong _attributes;

    [FieldOffset(56)]
    private readonly ulong _knownAttributes;

    [FieldOffset(136)]
    private readonly uint _deviceMajor;

    [FieldOffset(140)]
    private readonly uint _deviceMinor;

    [FieldOffset(20)]
    private readonly uint _user;

    [FieldOffset(24)]
    private readonly uint _group;

    [FieldOffset(28)]
    private readonly ushort _mode;

    /// <summary>How many names it has: hard links.</summary>
    [field: FieldOffset(16)]
    public uint NameCount { get; }

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

    /// <summary>What it is.</summary>
    public FileKind Kind => (_mode & KindMask) switch
    {
        0x8000 => FileKind.File,
        0x4000 => FileKind.Folder,
        0x1000 => FileKind.Pipe,
        0xC000 => FileKind.Socket,
        _ => FileKind.Device,
    };

    /// <summary>Whether something is mounted just there; null where the system (Linux before 5.8) cannot tell.</summary>
    public bool? IsMountPoint => (_knownAttributes & MountRoot) == 0 ? null : (_attributes & MountRoot) != 0;

    /// <summary>Whether it is a symbolic link; only of a name.</summary>
    public bool IsLink => (_mode & KindMask) == 0xA000;

    /// <summary>What may be done with it.</summary>
    public UnixFileMode Mode => (UnixFileMode)(_mode & ModeMask);

    /// <summary>Whose it is.</summary>
    public FileOwner Owner => new(_user, _group);

    /// <summary>Asks for the file that a path leads to; null when there is none, or on a system that cannot tell.</summary>
    public static LinuxFileStatus? TryGet(string path)
        => TryGet((out LinuxFileStatus status) => Ask(CurrentFolder, path, 0, Wanted, out status));

    /// <summary>Asks for what has this name, also if that is a link.</summary>
    public static LinuxFileStatus? TryGetOfName(string path)
        => TryGet((out LinuxFileStatus status) => Ask(CurrentFolder, path, NoFollowing, Wanted, out status));

    /// <summary>Asks for an open file; null on a system that cannot tell.</summary>
    public static LinuxFileStatus? TryGet(SafeFileHandle file)
        => TryGet((out LinuxFileStatus status) => AskOpen(file, "", ItselfIfEmpty, Wanted, out status));

    private delegate int Question(out LinuxFileStatus status);

    private static LinuxFileStatus? TryGet(Question ask)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            return ask(out var status) == 0 && (status._mask & Wanted) == Wanted ? status : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null; // A C library from before statx.
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Ask(int folder, string path, int flags, uint mask, out LinuxFileStatus status);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AskOpen(SafeFileHandle file, string path, int flags, uint mask, out LinuxFileStatus status);

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
