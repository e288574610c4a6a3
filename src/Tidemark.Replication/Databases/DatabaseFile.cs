using System.Globalization;
using System.Runtime.InteropServices;
using SQLitePCL;
using Tidemark.Formats.Wal;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>Reads the database file and the WAL index through the file object that a SQLite connection already holds.</summary>
/// <remarks>
/// POSIX locks belong to the process: closing any handle on a database file drops every lock that SQLite holds on it. So Tidemark has no
/// handle of its own on a live database; it calls the read method of SQLite's own file object
/// (https://www.sqlite.org/c3ref/io_methods.html). Valid while the connection is open, and used by one thread at a time like the
/// connection.
/// </remarks>
internal readonly unsafe partial struct DatabaseFile
{
    // The methods table begins with an int version, padded to pointer size; the methods follow in this order.
    private const int ReadMethod = 2;
    private const int LockMethod = 7;
    private const int UnlockMethod = 8;
    private const int MapIndexMethod = 13;
    private const int VersionWithIndex = 2;

    // https://www.sqlite.org/walformat.html#the_wal_index_file_format: the header is the start of the first of these pieces.
    private const int IndexPieceSize = 32 * 1024;

    private const int NotNeeded = 4; // MADV_DONTNEED

    // The file object of SQLite's unix files begins with three pointers; the handle follows. Not documented, so what is found there is
    // believed only if it leads to the file. https://www.sqlite.org/src/file/src/os_unix.c: struct unixFile
    private const int PointersBeforeHandle = 3;

    // https://www.sqlite.org/c3ref/c_lock_exclusive.html
    private const int NoLock = 0;
    private const int SharedLock = 1;
    private const int ExclusiveLock = 4;

    // SQLite opens the WAL index soon after the database, so its handle has one of the next free numbers.
    private const int HandlesBetweenMax = 64;

    private readonly nint _file;

    private DatabaseFile(nint file) => _file = file;

    public static DatabaseFile Of(sqlite3 connection, string path)
    {
        nint file = 0;
        var code = SqliteLibrary.FileControl(connection, "main", SqliteLibrary.FilePointer, ref file);
        if (code != raw.SQLITE_OK || file == 0 || *(nint*)file == 0)
        {
            throw DatabaseException.From(path, "reach the open file", connection, code == raw.SQLITE_OK ? raw.SQLITE_CANTOPEN : code);
        }

        return new DatabaseFile(file);
    }

    /// <summary>Reads at an offset. Where the file does not reach, the destination is filled with zeros.</summary>
    public void Read(string path, long offset, Span<byte> destination)
    {
        fixed (byte* start = destination)
        {
            var method = (delegate* unmanaged[Cdecl]<nint, byte*, int, long, int>)Method(ReadMethod);
            var code = method(_file, start, destination.Length, offset);
            if (code is not (raw.SQLITE_OK or raw.SQLITE_IOERR_SHORT_READ))
            {
                throw DatabaseException.From(path, $"read {destination.Length} bytes at offset {offset}", null, code);
            }
        }
    }

    /// <summary>Copies the header of the WAL index out of the memory that all connections share. No lock; one system call where SQLite's
    /// handle on it is known.</summary>
    /// <remarks>
    /// Only while the connection reads in WAL mode: then the memory is mapped. A writer fills the second copy of the header first, so the
    /// first one is whole when it equals the second one, read after it.
    /// </remarks>
    /// <returns>False when a writer is at it, or has died at it.</returns>
    public bool TryReadIndexHeader(Span<byte> header, int? indexHandle)
    {
        Span<byte> both = stackalloc byte[2 * WalIndexHeader.Size];
        both = both[..(2 * header.Length)];
        if (!TryReadIndex(both, indexHandle))
        {
            return false;
        }

        both[..header.Length].CopyTo(header);
        return header.SequenceEqual(both[header.Length..]);
    }

    /// <summary>How far the WAL was copied into the database file. Under the same condition as
    /// <see cref="TryReadIndexHeader"/>.</summary>
    public WalIndexState? TryReadIndexState(int? indexHandle)
    {
        Span<byte> words = stackalloc byte[WalIndexState.Size];
        return TryReadIndex(words, indexHandle) ? WalIndexState.Read(words) : null;
    }

    // Where SQLite's handle is known, the file is read and not the memory: who cuts off the file, as cp does that puts another in its place,
    // would end this process at the touch of the memory behind it.
    private bool TryReadIndex(Span<byte> destination, int? indexHandle)
    {
        if (indexHandle is { } handle)
        {
            fixed (byte* start = destination)
            {
                return ReadAt(handle, start, (nuint)destination.Length, 0) == destination.Length;
            }
        }

        var index = Index();
        if (index == null)
        {
            return false;
        }

        var half = destination.Length / 2;
        new ReadOnlySpan<byte>(index, half).CopyTo(destination);
        Interlocked.MemoryBarrier();
        new ReadOnlySpan<byte>(index + half, destination.Length - half).CopyTo(destination[half..]);
        return true;
    }

    /// <summary>SQLite's handle on the database file; null where it cannot be found.</summary>
    public int? TryFindHandle(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var handle = Marshal.ReadInt32(_file, PointersBeforeHandle * nint.Size);
        return PhysicalFileSystem.Instance.TryGetStamp(path) is { } file && IsOf(handle, file.Identity) ? handle : null;
    }

    /// <summary>What the system tells of an open file, wherever its name is now; null where it cannot.</summary>
    public static FileStamp? TryGetStamp(int handle) => PhysicalFileSystem.Instance.TryGetStamp($"/proc/self/fd/{handle}");

    /// <summary>SQLite's handle on the WAL index, after the first read; null where it cannot be found.</summary>
    /// <param name="databaseHandle">That on the database file.</param>
    /// <param name="index">The file.</param>
    public static int? TryFindIndexHandle(int databaseHandle, FileIdentity index)
    {
        for (var distance = 1; distance <= HandlesBetweenMax; distance++)
        {
            if (IsOf(databaseHandle + distance, index))
            {
                return databaseHandle + distance;
            }

            if (distance <= databaseHandle && IsOf(databaseHandle - distance, index))
            {
                return databaseHandle - distance;
            }
        }

        return FindAmongAll(index);
    }

    /// <summary>Takes the lock that nobody else can have the database open under, as SQLite does when the last connection closes.</summary>
    /// <returns>False when somebody else has it open.</returns>
    public bool TryLockExclusive()
    {
        if (SetLock(LockMethod, ExclusiveLock) == raw.SQLITE_OK)
        {
            return true;
        }

        _ = SetLock(UnlockMethod, SharedLock); // On the way it has kept others from new locks.
        return false;
    }

    /// <summary>Gives the exclusive lock back.</summary>
    public void UnlockExclusive() => _ = SetLock(UnlockMethod, SharedLock);

    /// <summary>Lets the operating system take the first piece of the WAL index, except its header, out of this process's memory until it is
    /// used again.</summary>
    /// <remarks>
    /// A reader looks into one page of it, and Linux brings all 32 KB. The memory is that of a file which is shared with others, so nothing
    /// of it is lost; other memory is never at the start of a page. Under the same condition as <see cref="TryReadIndexHeader"/>.
    /// </remarks>
    public void ReleaseIndex()
    {
        var page = Environment.SystemPageSize;
        if (OperatingSystem.IsLinux() && page < IndexPieceSize && Index() is var index && index != null && (nuint)index % (nuint)page == 0)
        {
            _ = AdviseMemory((nint)(index + page), IndexPieceSize - page, NotNeeded);
        }
    }

    /// <summary>Lets SQLite close the handles that other connections to the same file have left behind.</summary>
    /// <remarks>
    /// Closing a handle drops all locks of the process on the file, so SQLite keeps those of closed connections until it holds no lock on
    /// it, and closes them then. So the connection's shared lock is given back and taken again. While it is given back, a lock of the
    /// open file holds the same bytes: there is no moment at which somebody could take the database for one that nobody uses, remove its
    /// WAL, or leave WAL mode. Where there is no such lock, nothing is done.
    /// </remarks>
    /// <param name="path">The path of the file.</param>
    /// <param name="busyTimeout">How long to try to take the lock again.</param>
    /// <param name="whileUnlocked">Called while SQLite has no lock; for tests.</param>
    /// <returns>False when the lock could not be taken again. Then the connection has to be closed; until it is, the lock of the open file
    /// stays.</returns>
    public bool TryCloseLeftHandles(string path, TimeSpan busyTimeout, Action? whileUnlocked = null)
    {
        if (TryFindHandle(path) is not { } handle || !OpenFileLock.TryTake(handle))
        {
            return true;
        }

        _ = SetLock(UnlockMethod, NoLock);
        whileUnlocked?.Invoke();
        return TryLockAgain(busyTimeout) && OpenFileLock.TryRelease(handle);
    }

    // Somebody who finds that he cannot have the file alone keeps others from new locks for a moment.
    private bool TryLockAgain(TimeSpan busyTimeout)
    {
        for (var waitedMs = 0; ; waitedMs++)
        {
            var code = SetLock(LockMethod, SharedLock);
            if (code == raw.SQLITE_OK || (code & 0xff) != raw.SQLITE_BUSY || waitedMs >= busyTimeout.TotalMilliseconds)
            {
                return code == raw.SQLITE_OK;
            }

            _ = SqliteLibrary.Sleep(1);
        }
    }

    private int SetLock(int method, int level) => ((delegate* unmanaged[Cdecl]<nint, int, int>)Method(method))(_file, level);

    private static bool IsOf(int handle, FileIdentity file) => TryGetStamp(handle)?.Identity == file;

    private static int? FindAmongAll(FileIdentity file)
    {
        if (OperatingSystem.IsLinux())
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
            {
                if (int.TryParse(Path.GetFileName(entry), CultureInfo.InvariantCulture, out var handle) && IsOf(handle, file))
                {
                    return handle;
                }
            }
        }

        return null;
    }

    private byte* Index()
    {
        var index = default(byte*);
        var map = (delegate* unmanaged[Cdecl]<nint, int, int, int, byte**, int>)Method(MapIndexMethod);
        return *(int*)*(nint*)_file >= VersionWithIndex && map(_file, 0, IndexPieceSize, 0, &index) == raw.SQLITE_OK ? index : null;
    }

    // https://man7.org/linux/man-pages/man2/pread.2.html
    [LibraryImport("libc", EntryPoint = "pread64", SetLastError = true)]
    private static partial nint ReadAt(int handle, byte* destination, nuint count, long offset);

    // https://man7.org/linux/man-pages/man2/madvise.2.html
    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseMemory(nint start, nint size, int advice);

    private nint Method(int index) => Marshal.ReadIntPtr(*(nint*)_file, index * nint.Size);
}
