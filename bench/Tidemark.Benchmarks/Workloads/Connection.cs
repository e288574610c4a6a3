using SQLitePCL;
using Tidemark.Replication.Databases;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>A connection of the application whose database is replicated: it knows nothing of Tidemark.</summary>
internal sealed class Connection : IDisposable
{
    private readonly sqlite3 _connection;

    public Connection(string path)
    {
        SqliteLibrary.EnsureLoaded();
        Check(raw.sqlite3_open(path, out _connection));
        Check(raw.sqlite3_busy_timeout(_connection, 30_000));
    }

    /// <summary>Opens a database in WAL mode as most applications do. It is left to others to copy the WAL into the file.</summary>
    public static Connection OpenWal(string path)
    {
        var connection = new Connection(path);
        connection.Run("PRAGMA journal_mode=WAL");
        connection.Run("PRAGMA synchronous=NORMAL");
        connection.Run("PRAGMA wal_autocheckpoint=0");
        return connection;
    }

    /// <summary>Runs one statement and returns the first column of its first row.</summary>
    public long Run(string sql)
    {
        using var statement = Prepare(sql);
        return Run(statement);
    }

    /// <summary>A statement to run again and again.</summary>
    public sqlite3_stmt Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_connection, sql, out var statement));
        return statement;
    }

    /// <summary>Runs a prepared statement to its end.</summary>
    public long Run(sqlite3_stmt statement)
    {
        var code = raw.sqlite3_step(statement);
        var value = code == raw.SQLITE_ROW ? raw.sqlite3_column_int64(statement, 0) : 0;
        while (code == raw.SQLITE_ROW)
        {
            code = raw.sqlite3_step(statement);
        }

        Check(raw.sqlite3_reset(statement));
        return value;
    }

    public void Dispose() => _connection.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw new InvalidOperationException($"SQLite: {raw.sqlite3_errmsg(_connection).utf8_to_string()} ({code})");
        }
    }
}
