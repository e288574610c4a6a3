using System.Runtime.InteropServices;

namespace Tidemark.Replication.Databases;

/// <summary>A shared lock on the bytes by which SQLite knows that a database is in use, which belongs to the open file and not to the
/// process.</summary>
/// <remarks>
/// Linux only. To SQLite, in this process and in others, it is the lock of one more connection that has the database open. No close of
/// another handle drops it, and neither does SQLite when it unlocks the file.
/// https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal partial struct OpenFileLock
{
    private const int SetOfOpenFile = 37; // F_OFD_SETLK
    private const short Shared = 0; // F_RDLCK
    private const short None = 2; // F_UNLCK

    // https://www.sqlite.org/src/file/src/os.h: SHARED_FIRST, SHARED_SIZE
    private const long SharedFirst = 0x4000_0002;
    private const long SharedSize = 510;

    // struct flock, as it is where a C long has 64 bits.
    private short _kind;
    private short _from; // The beginning of the file.
    private long _offset;
    private long _length;
    private int _process; // Must be 0.

    /// <summary>Takes the lock without waiting; false when somebody is about to have the file alone, or the system has no such
    /// lock.</summary>
    public static bool TryTake(int handle) => TrySet(handle, Shared);

    /// <summary>Gives the lock back; false when the handle is not open.</summary>
    public static bool TryRelease(int handle) => TrySet(handle, None);

    private static bool TrySet(int handle, short kind)
    {
        var range = new OpenFileLock { _kind = kind, _offset = SharedFirst, _length = SharedSize };
        return Environment.Is64BitProcess && OperatingSystem.IsLinux() && Set(handle, SetOfOpenFile, ref range) == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Set(int handle, int command, ref OpenFileLock range);
}
