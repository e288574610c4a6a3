using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Tidemark.Testing.Databases;

/// <summary>A connection of the application whose database is replicated: it knows nothing of Tidemark.</summary>
public sealed class SourceDatabase : IDisposable
{
    private readonly SqliteConnection _connection;

    static SourceDatabase() => Batteries_V2.Init();

    private SourceDatabase(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens or creates a database as an application would.</summary>
    public static SourceDatabase Open(
        string path, int pageSize = 4096, string journalMode = "wal", int autoCheckpoint = 0, bool incrementalVacuum = false)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False;Default Timeout=30");
        connection.Open();
        var database = new SourceDatabase(connection);
        database.Run("PRAGMA busy_timeout=30000");
        database.Run($"PRAGMA wal_autocheckpoint={autoCheckpoint}"); // first: what follows may commit
        database.Run($"PRAGMA page_size={pageSize}");
        if (incrementalVacuum)
        {
            database.Run("PRAGMA auto_vacuum=2");
        }

        database.Run($"PRAGMA journal_mode={journalMode}");
        database.Run("PRAGMA synchronous=NORMAL");
        return database;
    }

    /// <summary>Runs statements and returns the first value of the first row.</summary>
    public object? Run(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Tests write their own SQL.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar();
    }

    public long RunLong(string sql) => Convert.ToInt64(Run(sql), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Gives the connection a collation that no other program has.</summary>
    public void AddCollation(string name)
        => _connection.CreateCollation(name, (one, other) => string.Compare(one, other, StringComparison.OrdinalIgnoreCase));

    /// <summary>The last connection to close neither checkpoints nor deletes the WAL, as if the application had crashed.</summary>
    public void KeepWalOnClose()
    {
        const int NoCheckpointOnClose = 1006; // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE
        _ = raw.sqlite3_db_config(_connection.Handle!, NoCheckpointOnClose, 1, out _);
    }

    /// <summary>Creates the table that <see cref="Insert"/> fills.</summary>
    public void CreateTable() => Run("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, data BLOB)");

    /// <summary>One transaction of rows of random bytes.</summary>
    public void Insert(int rows, int bytesOfRow = 100)
        => Run(
            $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{rows}) "
            + $"INSERT INTO t(data) SELECT randomblob({bytesOfRow}) FROM n");

    /// <summary>The database as SQLite itself serialises it: what every restore must equal.</summary>
    public byte[] Serialize()
    {
        var pointer = raw.sqlite3_serialize(_connection.Handle!, "main", out var length, 0);
        try
        {
            var bytes = new byte[length];
            System.Runtime.InteropServices.Marshal.Copy(pointer, bytes, 0, bytes.Length);
            return bytes;
        }
        finally
        {
            raw.sqlite3_free(pointer);
        }
    }

    public void Dispose() => _connection.Dispose();
}
