using SQLitePCL;
using Tidemark.Formats;

namespace Tidemark.Replication.Databases;

/// <summary>Lets SQLite check a database file that nobody else uses.</summary>
public static class IntegrityCheck
{
    /// <summary>Runs the check and returns when it found nothing. The file is not changed, and no file is left beside it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">How thorough the check is.</param>
    /// <param name="name">How errors call the database; its path when null.</param>
    /// <exception cref="TidemarkException">The check found something, or the file is no database.</exception>
    public static void Run(string path, IntegrityCheckKind kind, string? name = null)
    {
        SqliteLibrary.EnsureLoaded();
        // Immutable: SQLite neither locks the file nor looks for a WAL, which a restored file in WAL mode would otherwise get.
        var uri = new UriBuilder { Scheme = "file", Host = "", Path = Path.GetFullPath(path), Query = "immutable=1" }.Uri.AbsoluteUri;
        var code = raw.sqlite3_open_v2(
            uri, out var connection, raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI | raw.SQLITE_OPEN_NOMUTEX, null);
        using (connection)
        {
            if (code != raw.SQLITE_OK)
            {
                throw DatabaseException.From(name ?? path, "open the database", connection, code);
            }

            var pragma = kind == IntegrityCheckKind.Quick ? "quick_check" : "integrity_check";
            code = raw.sqlite3_prepare_v2(connection, $"PRAGMA {pragma}(1)", out var statement);
            using (statement)
            {
                code = code == raw.SQLITE_OK ? raw.sqlite3_step(statement) : code;
                if (code != raw.SQLITE_ROW)
                {
                    throw DatabaseException.From(name ?? path, $"run {pragma}", connection, code);
                }

                var finding = raw.sqlite3_column_text(statement, 0).utf8_to_string();
                if (finding != "ok")
                {
                    throw new TidemarkException(
                        $"{name ?? path}: the {pragma} found: {finding}", "Restore another TXID or another replica.");
                }
            }
        }
    }
}
