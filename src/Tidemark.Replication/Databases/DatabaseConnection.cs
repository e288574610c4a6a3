using System.Buffers.Binary;
using System.Globalization;
using SQLitePCL;
using Tidemark.Formats;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Databases;

/// <summary>One SQLite connection to a live database, with the few operations that capture and checkpoints need.</summary>
/// <remarks>
/// It never checkpoints by itself: not on commit (<c>wal_autocheckpoint=0</c>) and, unless asked to, not on close, which would also delete
/// the WAL. Not thread-safe.
/// </remarks>
internal sealed class DatabaseConnection : IDisposable
{
    // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, https://www.sqlite.org/c3ref/c_dbconfig_defensive.html
    private const int NoCheckpointOnClose = 1006;
    private const int Lookaside = 1001;

    // https://www.sqlite.org/fileformat.html#the_database_header
    private const int FileHeaderSize = 100;
    private const int WriteVersionOffset = 18;
    private const int PageSizeOffset = 16;
    private const int ChangeCounterOffset = 24;
    private const int PageCountOffset = 28;
    private const int VersionValidForOffset = 92;
    private const byte WalVersion = 2;

    private readonly sqlite3 _connection;
    private readonly DatabaseFile _file;

    private DatabaseConnection(string path, sqlite3 connection)
    {
        (Path, _connection) = (path, connection);
        _file = DatabaseFile.Of(connection, path);
        Handle = _file.TryFindHandle(path);
    }

    /// <summary>SQLite's handle on the database file, for questions about its locks; null where it cannot be found.</summary>
    public int? Handle { get; }

    /// <summary>SQLite's handle on the WAL index, once it is known.</summary>
    public int? IndexHandle { get; set; }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>True while this connection keeps its snapshot: from <see cref="BeginRead"/> or <see cref="TryBeginImmediate"/> to
    /// <see cref="Rollback"/>.</summary>
    public bool IsReading => SqliteLibrary.TransactionState(_connection, "main") > 0;

    /// <summary>Where SQLite keeps the WAL: beside the real file, also when the path is a symbolic link.</summary>
    public string WalPath => raw.sqlite3_db_filename(_connection, "main").utf8_to_string() + "-wal";

    /// <summary>Opens a database that exists; never creates one.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="busyTimeout">How long SQLite waits for a lock.</param>
    public static DatabaseConnection Open(string path, TimeSpan busyTimeout)
    {
        SqliteLibrary.EnsureLoaded();
        var code = raw.sqlite3_open_v2(path, out var connection, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX, null);
        try
        {
            if (code != raw.SQLITE_OK)
            {
                throw DatabaseException.From(path, "open the database", connection, code);
            }

            _ = raw.sqlite3_extended_result_codes(connection, 1);
            _ = raw.sqlite3_busy_timeout(connection, (int)busyTimeout.TotalMilliseconds);
            _ = raw.sqlite3_db_config(connection, NoCheckpointOnClose, 1, out _);
            _ = raw.sqlite3_wal_autocheckpoint(connection, 0);

            // Memory that makes many small statements fast; this connection has few.
            _ = raw.sqlite3_db_config(connection, Lookaside, 0, 0, 0);
            return new DatabaseConnection(path, connection);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>True when this user cannot write the database.</summary>
    public bool IsReadOnly => raw.sqlite3_db_readonly(_connection, "main") == 1;

    /// <summary>Pages of the database; 0 for a file that is still empty.</summary>
    public long PageCount => long.Parse(Query("PRAGMA page_count"), CultureInfo.InvariantCulture);

    /// <summary>Size of the pages, as the header of the database file gives it.</summary>
    public PageSize PageSize
    {
        get
        {
            Span<byte> header = stackalloc byte[FileHeaderSize];
            ReadFile(0, header);
            var bytes = BinaryPrimitives.ReadUInt16BigEndian(header[PageSizeOffset..]);
            return PageSize.TryFromBytes(bytes == 1 ? PageSize.BytesMax : bytes, out var size)
                ? size
                : throw new DatabaseException($"{Path}: the header of the file gives a page size that there is not.", null);
        }
    }

    /// <summary>The counter in the header that goes up whenever SQLite writes page 1 of the file.</summary>
    /// <remarks>https://www.sqlite.org/fileformat2.html#file_change_counter. As it stands in the file, whatever is in the WAL.</remarks>
    public uint ReadChangeCounter()
    {
        Span<byte> header = stackalloc byte[FileHeaderSize];
        ReadFile(0, header);
        return BinaryPrimitives.ReadUInt32BigEndian(header[ChangeCounterOffset..]);
    }

    /// <summary>Whether the database is in WAL mode already. Unlike the pragmas, this does not make SQLite read and keep the
    /// schema.</summary>
    public bool IsInWalMode()
    {
        BeginRead();
        try
        {
            Span<byte> header = stackalloc byte[FileHeaderSize];
            ReadFile(0, header);
            return header[WriteVersionOffset] == WalVersion && header[WriteVersionOffset + 1] == WalVersion;
        }
        finally
        {
            Rollback();
        }
    }

    /// <summary>The number of pages that the header of the database file gives, or null when it is not to be believed.</summary>
    public uint? ReadPageCount()
    {
        Span<byte> header = stackalloc byte[FileHeaderSize];
        ReadFile(0, header);
        var isValid = header.Slice(ChangeCounterOffset, sizeof(uint)).SequenceEqual(header.Slice(VersionValidForOffset, sizeof(uint)));
        return isValid ? BinaryPrimitives.ReadUInt32BigEndian(header[PageCountOffset..]) : null;
    }

    /// <summary>The journal mode, in lower case.</summary>
    public string JournalMode => Query("PRAGMA journal_mode").ToLowerInvariant();

    /// <summary>Asks SQLite to switch to WAL mode and returns the mode that the database then has.</summary>
    public string SwitchToWal() => Query("PRAGMA journal_mode=wal").ToLowerInvariant();

    /// <summary>True when the path no longer leads to the file that is open: it was deleted or replaced.</summary>
    public bool HasMoved()
    {
        nint moved = 0;
        var code = SqliteLibrary.FileControl(_connection, "main", SqliteLibrary.HasMoved, ref moved);
        return code == raw.SQLITE_OK && (int)moved != 0;
    }

    /// <summary>When this is the last connection to close, SQLite copies the WAL into the file and removes it, as it does for everybody.</summary>
    public void CheckpointOnClose() => _ = raw.sqlite3_db_config(_connection, NoCheckpointOnClose, 0, out _);

    /// <summary>Begins a read transaction at the newest commit.</summary>
    public void BeginRead()
    {
        Execute("BEGIN", "begin a transaction");
        try
        {
            // The header cookie needs no schema, so none is kept in memory, and one that this SQLite cannot parse does no harm.
            Execute("PRAGMA schema_version", "begin to read");
        }
        catch
        {
            Rollback();
            throw;
        }
    }

    /// <summary>Takes the write lock; false when it is not free within the busy timeout.</summary>
    public bool TryBeginImmediate()
    {
        try
        {
            Execute("BEGIN IMMEDIATE", "take the write lock");
            return true;
        }
        catch (DatabaseException e) when (e.IsBusy)
        {
            return false;
        }
    }

    /// <summary>Ends the transaction, if there is one.</summary>
    public void Rollback()
    {
        if (raw.sqlite3_get_autocommit(_connection) == 0)
        {
            Execute("ROLLBACK", "end a transaction");
        }
    }

    /// <summary>The state that the current transaction reads.</summary>
    /// <remarks>https://www.sqlite.org/c3ref/snapshot_get.html</remarks>
    public unsafe WalSnapshot GetSnapshot()
    {
        var code = SqliteLibrary.SnapshotGet(_connection, "main", out var pointer);
        if (code == raw.SQLITE_ERROR)
        {
            return default; // The WAL holds no transaction yet.
        }

        if (code != raw.SQLITE_OK)
        {
            throw DatabaseException.From(Path, "read the end of the WAL", _connection, code);
        }

        try
        {
            return WalSnapshot.TryRead(new ReadOnlySpan<byte>((void*)pointer, WalIndexHeader.Size), out var snapshot)
                ? snapshot
                : throw new DatabaseException(
                    $"{Path}: SQLite's WAL index has a layout that is not known.", "Use the SQLite library that comes with Tidemark.");
        }
        finally
        {
            SqliteLibrary.SnapshotFree(pointer);
        }
    }

    /// <summary>The newest committed state, whatever the current transaction reads. Costs one system call.</summary>
    /// <returns>Null when the index cannot be read just now. While a transaction is held that is in WAL mode.</returns>
    public WalSnapshot? TryReadNewest()
    {
        const int AttemptsMax = 8;
        Span<byte> header = stackalloc byte[WalIndexHeader.Size];
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            if (_file.TryReadIndexHeader(header, IndexHandle))
            {
                return WalSnapshot.TryRead(header, out var snapshot) ? snapshot : null;
            }
        }

        return null;
    }

    /// <summary>How far the WAL was copied into the database file; see <see cref="DatabaseFile.TryReadIndexState"/>. After the first read in
    /// WAL mode.</summary>
    public WalIndexState? TryReadIndexState() => _file.TryReadIndexState(IndexHandle);

    /// <summary>Takes the lock under which nobody else can have the database open; see <see cref="DatabaseFile.TryLockExclusive"/>.</summary>
    public bool TryLockExclusive() => _file.TryLockExclusive();

    /// <summary>Gives that lock back.</summary>
    public void UnlockExclusive() => _file.UnlockExclusive();

    /// <summary>How many frames of the state that the current transaction reads are in the database file already. A page whose newest
    /// frame is one of them is read from the file, as SQLite does, and so is a page without a frame; nobody changes those as long as the
    /// transaction goes on.</summary>
    /// <remarks>
    /// <para>Asked right after the transaction has begun, and only while nothing newer is committed, as SQLite does when a reader begins: a
    /// later checkpoint counts a frame that it has passed over, since it knows a newer one of the same page.</para>
    /// <para>Where all frames are in the file, the transaction may stand at mark 0, and the WAL may be started over any moment. Where not
    /// all are, it stands inside the WAL, which stays.</para>
    /// </remarks>
    /// <returns>Null when it cannot be told any more.</returns>
    public uint? CountFramesInFile()
    {
        if (GetSnapshot().End is not { FrameCount: > 0 } end)
        {
            return 0;
        }

        var copied = TryReadIndexState()?.Copied;
        Interlocked.MemoryBarrier();
        return TryReadNewest()?.End == end ? copied : null;
    }

    /// <summary>Gives back memory that a held transaction does not need while nothing happens.</summary>
    public void Rest()
    {
        if (IsReading)
        {
            _file.ReleaseIndex();
        }
    }

    /// <summary>Lets SQLite close the handles that other connections of this process have left behind; see
    /// <see cref="DatabaseFile.TryCloseLeftHandles"/>. In a read transaction, which goes on.</summary>
    /// <returns>False when this connection has lost its lock on the file and must be closed.</returns>
    public bool TryCloseLeftHandles(TimeSpan busyTimeout, Action? whileUnlocked = null)
        => _file.TryCloseLeftHandles(Path, busyTimeout, whileUnlocked);

    /// <summary>Lets the current read transaction go on at another state of the same run of the WAL.</summary>
    /// <remarks>
    /// SQLite holds the checkpoint lock from before it leaves the old state until it stands at the new one, so no frame can be moved into
    /// the database file in between. Afterwards the transaction stands inside the WAL, even where all of the WAL is in the database file.
    /// </remarks>
    /// <returns>
    /// False when somebody checkpoints just now, or the state is not to be had any more: then the transaction stays where it was. Where
    /// SQLite fails half-way, it is over (<see cref="IsReading"/>).
    /// </returns>
    public bool TryMoveTo(in WalSnapshot snapshot)
    {
        var code = SqliteLibrary.SnapshotOpen(_connection, "main", in snapshot.Bytes[0]);
        if (!IsReading)
        {
            Rollback();
        }

        return (code & 0xff) switch
        {
            raw.SQLITE_OK => true,
            raw.SQLITE_BUSY or raw.SQLITE_ERROR or raw.SQLITE_PROTOCOL => false,
            _ => throw DatabaseException.From(Path, "move a read transaction", _connection, code),
        };
    }

    /// <summary>Appends one frame to the WAL that changes nothing: the user version is written with its own value.</summary>
    /// <exception cref="DatabaseException">Transient when the write lock is not free within the busy timeout.</exception>
    public void ForceFrame()
    {
        Execute("BEGIN IMMEDIATE", "take the write lock");
        try
        {
            Execute($"PRAGMA user_version={Query("PRAGMA user_version")}", "append a frame");
            Execute("COMMIT", "append a frame");
        }
        catch
        {
            Rollback();
            throw;
        }
    }

    /// <summary>Copies what it can of the WAL into the database file, without any lock that a writer needs.</summary>
    /// <remarks>https://www.sqlite.org/c3ref/wal_checkpoint_v2.html. Another checkpoint at work is reported as nothing copied.</remarks>
    public CheckpointProgress CheckpointPassive()
    {
        var code = raw.sqlite3_wal_checkpoint_v2(_connection, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out var frames, out var copied);
        return (code & 0xff) switch
        {
            raw.SQLITE_OK => new CheckpointProgress((uint)Math.Max(0, frames), (uint)Math.Max(0, copied)),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new CheckpointProgress((uint)Math.Max(1, frames), 0),
            _ => throw DatabaseException.From(Path, "checkpoint", _connection, code),
        };
    }

    /// <summary>Reads from the database file; zeros where the file does not reach.</summary>
    public void ReadFile(long offset, Span<byte> destination) => _file.Read(Path, offset, destination);

    public void Dispose() => _connection.Dispose();

    // Statements are not kept: at rest there is nothing to run, and moving a transaction needs none.
    private void Execute(string sql, string action)
    {
        using var statement = Prepare(sql);
        var code = raw.sqlite3_step(statement);
        if (code is not (raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            throw DatabaseException.From(Path, action, _connection, code);
        }

        code = raw.sqlite3_reset(statement);
        if (code != raw.SQLITE_OK)
        {
            throw DatabaseException.From(Path, action, _connection, code);
        }
    }

    private string Query(string sql)
    {
        using var statement = Prepare(sql);
        var code = raw.sqlite3_step(statement);
        return code == raw.SQLITE_ROW
            ? raw.sqlite3_column_text(statement, 0).utf8_to_string()
            : throw DatabaseException.From(Path, $"run {sql}", _connection, code);
    }

    private sqlite3_stmt Prepare(string sql)
    {
        var code = raw.sqlite3_prepare_v2(_connection, sql, out var statement);
        return code == raw.SQLITE_OK ? statement : throw DatabaseException.From(Path, $"run {sql}", _connection, code);
    }
}
