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

    private readonly sqlite3 _connection;
    private readonly DatabaseFile _file;
    private sqlite3_stmt? _begin;
    private sqlite3_stmt? _beginImmediate;
    private sqlite3_stmt? _read;
    private sqlite3_stmt? _rollback;

    private DatabaseConnection(string path, sqlite3 connection)
    {
        (Path, _connection) = (path, connection);
        _file = DatabaseFile.Of(connection, path);
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>True between <see cref="BeginRead"/> or <see cref="TryBeginImmediate"/> and <see cref="Rollback"/>.</summary>
    public bool IsInTransaction => raw.sqlite3_get_autocommit(_connection) == 0;

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

    /// <summary>Size of the pages.</summary>
    public PageSize PageSize => PageSize.TryFromBytes(long.Parse(Query("PRAGMA page_size"), CultureInfo.InvariantCulture), out var size)
        ? size
        : throw new DatabaseException($"{Path}: SQLite tells a page size that there is not.", null);

    /// <summary>The counter in the header that goes up whenever SQLite writes page 1 of the file.</summary>
    /// <remarks>https://www.sqlite.org/fileformat2.html#file_change_counter. As it stands in the file, whatever is in the WAL.</remarks>
    public uint ReadChangeCounter()
    {
        const int OffsetInHeader = 24;
        Span<byte> counter = stackalloc byte[sizeof(uint)];
        ReadFile(OffsetInHeader, counter);
        return BinaryPrimitives.ReadUInt32BigEndian(counter);
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
        Step(ref _begin, "BEGIN", "begin a transaction");
        try
        {
            // The header cookie needs no schema, so a schema that this SQLite cannot parse does no harm.
            Step(ref _read, "PRAGMA schema_version", "begin to read");
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
            Step(ref _beginImmediate, "BEGIN IMMEDIATE", "take the write lock");
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
        if (IsInTransaction)
        {
            Step(ref _rollback, "ROLLBACK", "end a transaction");
        }
    }

    /// <summary>What SQLite knows of the end of the WAL in the current read transaction, or null while the WAL holds no transaction
    /// yet.</summary>
    /// <remarks>https://www.sqlite.org/c3ref/snapshot_get.html</remarks>
    public unsafe WalIndexHeader? GetSnapshot()
    {
        var code = raw.sqlite3_snapshot_get(_connection, "main", out var snapshot);
        if (code == raw.SQLITE_ERROR)
        {
            return null;
        }

        if (code != raw.SQLITE_OK)
        {
            throw DatabaseException.From(Path, "read the end of the WAL", _connection, code);
        }

        using (snapshot)
        {
            var bytes = new ReadOnlySpan<byte>((void*)snapshot.DangerousGetHandle(), WalIndexHeader.Size);
            if (WalIndexHeader.IsOfUnusedWal(bytes))
            {
                return null;
            }

            return WalIndexHeader.TryRead(bytes, out var header)
                ? header
                : throw new DatabaseException(
                    $"{Path}: SQLite's WAL index has a layout that is not known.", "Use the SQLite library that comes with Tidemark.");
        }
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

    public void Dispose()
    {
        _begin?.Dispose();
        _beginImmediate?.Dispose();
        _read?.Dispose();
        _rollback?.Dispose();
        _connection.Dispose();
    }

    private void Step(ref sqlite3_stmt? statement, string sql, string action)
    {
        statement ??= Prepare(sql);
        var code = raw.sqlite3_step(statement);
        if (code is raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            code = raw.sqlite3_reset(statement);
        }
        else
        {
            var failure = DatabaseException.From(Path, action, _connection, code);
            _ = raw.sqlite3_reset(statement);
            throw failure;
        }

        if (code != raw.SQLITE_OK)
        {
            throw DatabaseException.From(Path, action, _connection, code);
        }
    }

    private void Execute(string sql, string action)
    {
        sqlite3_stmt? statement = null;
        try
        {
            Step(ref statement, sql, action);
        }
        finally
        {
            statement?.Dispose();
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
