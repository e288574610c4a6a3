using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SQLitePCL;
using Tidemark.Formats;

namespace Tidemark.Cli.Demo;

/// <summary>A SQLite connection as an application has one; with the few things that the demo does.</summary>
internal sealed class DemoDatabase : IDisposable
{
    private readonly string _path;
    private readonly sqlite3 _connection;

    private DemoDatabase(string path, sqlite3 connection) => (_path, _connection) = (path, connection);

    /// <summary>Opens a database, and creates it if it does not exist.</summary>
    public static DemoDatabase Open(string path)
    {
        Batteries_V2.Init();
        var code = raw.sqlite3_open(path, out var connection);
        var database = new DemoDatabase(path, connection);
        if (code != raw.SQLITE_OK)
        {
            using (database)
            {
                throw database.Failure();
            }
        }

        // The replicator checkpoints while the writer writes: both wait for each other's locks.
        _ = raw.sqlite3_busy_timeout(connection, 10_000);
        return database;
    }

    /// <summary>Runs statements that give no rows.</summary>
    public void Execute(string sql)
    {
        if (raw.sqlite3_exec(_connection, sql) != raw.SQLITE_OK)
        {
            throw Failure();
        }
    }

    /// <summary>Runs a query for one number.</summary>
    public long QueryNumber(string sql)
    {
        if (raw.sqlite3_prepare_v2(_connection, sql, out var statement) != raw.SQLITE_OK)
        {
            throw Failure();
        }

        using (statement)
        {
            return raw.sqlite3_step(statement) == raw.SQLITE_ROW ? raw.sqlite3_column_int64(statement, 0) : throw Failure();
        }
    }

    /// <summary>The SHA-256 of all pages, as SQLite itself reads them.</summary>
    public string HashPages()
    {
        var image = raw.sqlite3_serialize(_connection, "main", out var size, 0);
        if (image == 0)
        {
            throw Failure();
        }

        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[64 * 1024];
            for (var done = 0L; done < size; done += buffer.Length)
            {
                var length = (int)Math.Min(buffer.Length, size - done);
                Marshal.Copy((nint)(image + done), buffer, 0, length);
                hash.AppendData(buffer, 0, length);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            raw.sqlite3_free(image);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private TidemarkException Failure() => new($"{_path}: {raw.sqlite3_errmsg(_connection).utf8_to_string()}");
}
