using System.Runtime.InteropServices;
using SQLitePCL;
using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Tests.Wal;

/// <summary>A real database in WAL mode, in a folder of its own that goes when the test ends.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tidemark-").FullName;
    private sqlite3? _connection;

    static SqliteDatabase() => Batteries_V2.Init();

    public string Path => System.IO.Path.Combine(_folder, "test.db");

    private sqlite3 Connection => _connection ?? throw new InvalidOperationException("The database is not open.");

    /// <summary>A new database whose WAL is never checkpointed.</summary>
    public static SqliteDatabase Create(int pageSize)
    {
        var database = new SqliteDatabase();
        database.Open();
        database.Execute($"PRAGMA page_size = {pageSize}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
        return database;
    }

    /// <summary>A copy of a database and a WAL, as they would be found after a crash.</summary>
    public static SqliteDatabase Recover(byte[] database, byte[] wal)
    {
        var recovered = new SqliteDatabase();
#pragma warning disable RS0030 // Nobody has these files open.
        File.WriteAllBytes(recovered.Path, database);
        File.WriteAllBytes(recovered.Path + "-wal", wal);
#pragma warning restore RS0030
        recovered.Open();
        return recovered;
    }

    public void Execute(string sql)
    {
        var result = raw.sqlite3_exec(Connection, sql);
        Assert.True(result == raw.SQLITE_OK, $"{sql}: {raw.sqlite3_errmsg(Connection).utf8_to_string()}");
    }

    public string Query(string sql)
    {
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_prepare_v2(Connection, sql, out var statement));
        using (statement)
        {
            Assert.Equal(raw.SQLITE_ROW, raw.sqlite3_step(statement));
            return raw.sqlite3_column_text(statement, 0).utf8_to_string();
        }
    }

    /// <summary>The bytes of the database file and of its WAL, while the database is open in this process.</summary>
    public (byte[] Database, byte[] Wal) ReadFiles()
    {
#pragma warning disable RS0030 // The locks that closing the file drops are not needed here: nobody else uses the database.
        return (File.ReadAllBytes(Path), File.ReadAllBytes(Path + "-wal"));
#pragma warning restore RS0030
    }

    /// <summary>The WAL-index header of a read transaction that begins now.</summary>
    public WalIndexHeader ReadIndexHeader(out byte[] bytes)
    {
        Execute("BEGIN");
        Query("SELECT count(*) FROM sqlite_schema");
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_snapshot_get(Connection, "main", out var snapshot));
        using (snapshot)
        {
            bytes = new byte[WalIndexHeader.Size];
            Marshal.Copy(snapshot.DangerousGetHandle(), bytes, 0, bytes.Length);
        }

        Execute("ROLLBACK");
        Assert.True(WalIndexHeader.TryRead(bytes, out var header));
        return header;
    }

    public void Dispose()
    {
        _connection?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Open()
    {
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(Path, out var connection));
        _connection = connection;
    }
}
