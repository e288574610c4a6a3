using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using SQLitePCL;
using Tidemark.Testing;

namespace Tidemark.Differential.Tests;

/// <summary>What a database is when everybody is gone, by SQLite's own word.</summary>
/// <param name="Verdict"><c>ok</c>, or what is wrong.</param>
/// <param name="Pages">All pages, those of the WAL included.</param>
/// <param name="Rows">A digest of the schema and of every row; empty when they cannot be read.</param>
internal sealed record EndState(string Verdict, byte[] Pages, string Rows)
{
    private const string Ok = "ok";

    static EndState() => Batteries_V2.Init();

    /// <summary>There is no database.</summary>
    public static EndState Missing { get; } = new("there is no database", [], "");

    public bool IsWhole => Verdict == Ok;

    public bool Exists => Pages.Length > 0;

    /// <summary>Looks at copies of the files, which stay as they are.</summary>
    public static EndState Read(string database, string wal)
    {
        if (!File.Exists(database))
        {
            return Missing;
        }

        using var folder = new TemporaryFolder();
        Copy(database, folder["copy.db"]);
        Copy(wal, folder["copy.db-wal"]);
        Copy(database + "-journal", folder["copy.db-journal"]);
        var code = raw.sqlite3_open_v2(folder["copy.db"], out var connection, raw.SQLITE_OPEN_READWRITE, null);
        using (connection)
        {
            if (code != raw.SQLITE_OK)
            {
                return Missing with { Verdict = raw.sqlite3_errmsg(connection).utf8_to_string() };
            }

            var verdict = string.Join("; ", Query(connection, "PRAGMA integrity_check", out var failure));
            var rows = failure is null ? Digest(connection, ref failure) : "";
            return new EndState(failure ?? verdict, Serialize(connection), rows);
        }
    }

    private static void Copy(string from, string to)
    {
        if (File.Exists(from))
        {
            new FileInfo(from).CopyTo(to);
        }
    }

    private static string Digest(sqlite3 connection, ref string? failure)
    {
        var text = new StringBuilder();
        var tables = Query(connection, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", out failure);
        const string Schema = "SELECT quote(type) || quote(name) || quote(sql) FROM sqlite_schema ORDER BY name";
        foreach (var line in Query(connection, Schema, out failure))
        {
            text.AppendLine(line);
        }

        foreach (var table in tables)
        {
            var columns = Query(connection, $"SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')", out failure);
            foreach (var row in Query(connection, $"SELECT {string.Join(" || ',' || ", columns)} FROM \"{table}\" ORDER BY 1", out failure))
            {
                text.Append(table).AppendLine(row);
            }

            if (failure is not null)
            {
                return "";
            }
        }

        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..16];
    }

    private static List<string> Query(sqlite3 connection, string sql, out string? failure)
    {
        var rows = new List<string>();
        failure = null;
        var code = raw.sqlite3_prepare_v2(connection, sql, out var statement);
        using (statement)
        {
            while (code is raw.SQLITE_OK or raw.SQLITE_ROW && (code = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                rows.Add(raw.sqlite3_column_text(statement, 0).utf8_to_string() ?? "");
            }
        }

        if (code != raw.SQLITE_DONE)
        {
            failure = raw.sqlite3_errmsg(connection).utf8_to_string();
        }

        return rows;
    }

    private static byte[] Serialize(sqlite3 connection)
    {
        var pointer = raw.sqlite3_serialize(connection, "main", out var length, 0);
        if (pointer == 0)
        {
            return [];
        }

        try
        {
            var bytes = new byte[length];
            Marshal.Copy(pointer, bytes, 0, bytes.Length);
            return bytes;
        }
        finally
        {
            raw.sqlite3_free(pointer);
        }
    }
}
