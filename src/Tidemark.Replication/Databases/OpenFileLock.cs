using System.Runtime.InteropServices;

namespace Tidemark.Replication.Databases;

/// <summary>Locks on the bytes by which SQLite knows that a database, or a WAL index, is in use: whether other processes hold one, and a
/// shared one of our own which belongs to the open file and not to the process.</summary>
/// <remarks>
/// Linux only. To SQLite, in this process and in others, our own is the lock of one more connection that has the database open. No close of
/// another handle drops it, and neither does SQLite when it unlocks the file. Locks of other processes are seen also where those belong to
/// another container; those of this process are not.
/// https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html, https://man7.org/linux/man-pages/man2/F_GETLK.2const.html
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal partial struct OpenFileLock
{
    private const int Ask = 5; // F_GETLK
    private const int SetOfProcess = 6; // F_SETLK
    private const int AskOfOpenFile = 36; // F_OFD_GETLK
    private const int SetOfOpenFile = 37; // F_OFD_SETLK
    private const short Shared = 0; // F_RDLCK
    private const short Exclusive = 1; // F_WRLCK
    private const short None = 2; // F_UNLCK

    // https://www.sqlite.org/src/file/src/os.h: SHARED_FIRST, SHARED_SIZE
    private const long SharedFirst = 0x4000_0002;
    private const long SharedSize = 510;

    // https://www.sqlite.org/walformat.html#wal_locks, and os_unix.c: UNIX_SHM_BASE, UNIX_SHM_DMS
    private const long WriteByte = 120;
    private const long FirstMarkByte = 124;
    private const long LastMarkByte = 127;
    private const long InUseByte = 128;

    // struct flock, as it is where a C long has 64 bits.
    private short _kind;
    private short _from; // The beginning of the file.
    private long _offset;
    private long _length;
    private int _process; // Must be 0.

    /// <summary>Takes the lock without waiting; false when somebody is about to have the file alone, or the system has no such
    /// lock.</summary>
    public static bool TryTake(int handle) => TrySet(handle, SetOfOpenFile, Shared, SharedFirst, SharedSize);

    /// <summary>Gives the lock back; false when the handle is not open.</summary>
    public static bool TryRelease(int handle) => TrySet(handle, SetOfOpenFile, None, SharedFirst, SharedSize);

    /// <summary>Whether another process has the database open: in WAL mode every connection holds a lock as long as it is.</summary>
    /// <param name="databaseHandle">A handle of SQLite's on the database file.</param>
    /// <returns>Null where the system cannot tell.</returns>
    public static bool? IsDatabaseUsedByOthers(int databaseHandle) => IsHeldByOthers(databaseHandle, SharedFirst, SharedSize);

    /// <summary>Whether another process has the WAL index open.</summary>
    /// <param name="indexHandle">A handle of SQLite's on the <c>-shm</c> file.</param>
    /// <returns>Null where the system cannot tell.</returns>
    public static bool? IsIndexUsedByOthers(int indexHandle) => IsHeldByOthers(indexHandle, InUseByte, 1);

    /// <summary>Whether another process holds both the lock of writers and that of checkpoints: one that waits for readers, and keeps
    /// writers waiting.</summary>
    /// <param name="indexHandle">A handle of SQLite's on the <c>-shm</c> file.</param>
    public static bool IsCheckpointOfOthersWaiting(int indexHandle)
        => IsHeldByOthers(indexHandle, WriteByte, 1) == true && IsHeldByOthers(indexHandle, WriteByte + 1, 1) == true;

    /// <summary>Whether a reader of this process stands inside the WAL, as far as it can be seen: not where another process has a lock on the
    /// same mark.</summary>
    /// <param name="indexHandle">A handle of SQLite's on the <c>-shm</c> file.</param>
    public static bool IsMarkHeldByThisProcess(int indexHandle)
    {
        for (var mark = FirstMarkByte; mark <= LastMarkByte; mark++)
        {
            // A lock of the open file would be in conflict also with those of this process.
            var range = new OpenFileLock { _kind = Exclusive, _offset = mark, _length = 1 };
            if (Environment.Is64BitProcess
                && OperatingSystem.IsLinux()
                && Control(indexHandle, AskOfOpenFile, ref range) == 0
                && range._kind != None
                && range._process == Environment.ProcessId)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether another process is at a checkpoint.</summary>
    /// <param name="indexHandle">A handle of SQLite's on the <c>-shm</c> file.</param>
    public static bool IsCheckpointOfOthersAtWork(int indexHandle) => IsHeldByOthers(indexHandle, WriteByte + 1, 1) == true;

    /// <summary>Turns SQLite's own shared lock on a WAL index into one that keeps every other process from opening it, until the handle is
    /// closed.</summary>
    /// <returns>False when another process has it open, or the system cannot tell.</returns>
    public static bool TryKeepIndexFromOthers(int indexHandle) => TrySet(indexHandle, SetOfProcess, Exclusive, InUseByte, 1);

    private static bool TrySet(int handle, int command, short kind, long first, long length)
    {
        var range = new OpenFileLock { _kind = kind, _offset = first, _length = length };
        return Environment.Is64BitProcess && OperatingSystem.IsLinux() && Control(handle, command, ref range) == 0;
    }

    private static bool? IsHeldByOthers(int handle, long first, long length)
    {
        var range = new OpenFileLock { _kind = Exclusive, _offset = first, _length = length };
        return Environment.Is64BitProcess && OperatingSystem.IsLinux() && Control(handle, Ask, ref range) == 0 ? range._kind != None : null;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int handle, int command, ref OpenFileLock range);
}
