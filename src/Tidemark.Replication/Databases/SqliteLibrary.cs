using System.Runtime.InteropServices;
using SQLitePCL;

namespace Tidemark.Replication.Databases;

/// <summary>The native SQLite, and the calls of it that its wrapper does not offer.</summary>
internal static partial class SqliteLibrary
{
    /// <summary>SQLITE_FCNTL_FILE_POINTER: hands out the <c>sqlite3_file</c> of the database.</summary>
    public const int FilePointer = 7;

    /// <summary>SQLITE_FCNTL_HAS_MOVED: tells whether the path no longer leads to the open file.</summary>
    public const int HasMoved = 20;

    // SQLITE_CONFIG_PAGECACHE, https://www.sqlite.org/c3ref/c_config_covering_index_scan.html
    private const int PageCache = 7;

    private static readonly Lock s_gate = new();
    private static bool s_isReady;

    /// <summary>Loads the native library once; every connection begins here.</summary>
    /// <exception cref="DatabaseException">It is not fit for live databases.</exception>
    public static void EnsureLoaded()
    {
        lock (s_gate)
        {
            if (!s_isReady)
            {
                Batteries_V2.Init();
                ThrowIfUnfit();
                KeepPageCachesSmall();
                s_isReady = true;
            }
        }
    }

    private static void ThrowIfUnfit()
    {
        if (new SqliteVersion(raw.sqlite3_libversion_number()).WhyUnfit(HasSnapshots()) is { } why)
        {
            throw new DatabaseException($"The SQLite library in use is not fit: {why}.", "Use the SQLite library that comes with Tidemark.");
        }
    }

    private static bool HasSnapshots()
    {
        try
        {
            SnapshotFree(0); // Nothing is freed.
            return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    // SQLite prepares room for twenty pages for every connection that reads; a database at rest needs one. Too late, and so without effect,
    // when the process has used SQLite before. Where arguments of variable number are passed in another way, the room is spent.
    private static void KeepPageCachesSmall()
    {
        if (!(OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64))
        {
            _ = Configure(PageCache, 0, 0, 0);
        }
    }

    /// <summary>https://www.sqlite.org/c3ref/config.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_config")]
    private static partial int Configure(int option, nint memory, int size, int count);

    /// <summary>https://www.sqlite.org/c3ref/txn_state.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_txn_state", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int TransactionState(sqlite3 connection, string schema);

    /// <summary>https://www.sqlite.org/c3ref/snapshot_get.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_snapshot_get", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SnapshotGet(sqlite3 connection, string schema, out nint snapshot);

    /// <summary>https://www.sqlite.org/c3ref/snapshot_open.html. A snapshot is 48 bytes without references.</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_snapshot_open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SnapshotOpen(sqlite3 connection, string schema, in byte snapshot);

    /// <summary>https://www.sqlite.org/c3ref/snapshot_free.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_snapshot_free")]
    public static partial void SnapshotFree(nint snapshot);

    /// <summary>https://www.sqlite.org/c3ref/file_control.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_file_control", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int FileControl(sqlite3 connection, string schema, int operation, ref nint argument);

    /// <summary>https://www.sqlite.org/c3ref/drop_modules.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_drop_modules")]
    public static partial int DropModules(sqlite3 connection, nint keep);

    /// <summary>https://www.sqlite.org/c3ref/sleep.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_sleep")]
    public static partial int Sleep(int milliseconds);

    /// <summary>https://www.sqlite.org/c3ref/system_errno.html</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_system_errno")]
    public static partial int SystemError(sqlite3 connection);
}
