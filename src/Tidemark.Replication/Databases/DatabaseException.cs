using SQLitePCL;
using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>SQLite refused something, or the database is not what it must be.</summary>
/// <remarks>Result codes: https://www.sqlite.org/rescode.html.</remarks>
public sealed class DatabaseException : TidemarkException
{
    internal DatabaseException(string message, string? hint, int extendedCode = raw.SQLITE_OK)
        : base(message, hint)
        => ExtendedCode = extendedCode;

    /// <summary>SQLite's primary result code, or 0 when the failure is not SQLite's.</summary>
    public int Code => ExtendedCode & 0xff;

    /// <summary>SQLite's extended result code, or 0.</summary>
    public int ExtendedCode { get; }

    internal bool IsBusy => Code is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    internal static DatabaseException From(string path, string action, sqlite3? connection, int code)
    {
        var extended = connection is null || connection.IsInvalid ? code : raw.sqlite3_extended_errcode(connection);
        extended = (extended & 0xff) == (code & 0xff) ? extended : code;
        if (IsOutOfHandles(connection, code))
        {
            return new DatabaseException(
                $"{path}: cannot {action}: as many files are open as may be (SQLite code {extended}).", OpenFileLimit.Hint, extended)
            {
                IsTransient = true
            };
        }

        var text = raw.sqlite3_errstr(extended).utf8_to_string();
        var (hint, isTransient) = (code & 0xff) switch
        {
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => ("Another connection holds a lock; this is tried again. An application with PRAGMA locking_mode=EXCLUSIVE never gives it back.", true),
            raw.SQLITE_FULL => ("Free space on the disk of the database.", true),
            raw.SQLITE_IOERR => ("Check the disk and its free space.", true),
            raw.SQLITE_CANTOPEN => ("Check that the file and its folder exist and that this user may read and write them.", true),
            raw.SQLITE_READONLY => ("Give this user the right to write the database file and its folder; WAL mode needs it.", false),
            raw.SQLITE_NOTADB => ("The file is not a SQLite database, or it is encrypted.", false),
            raw.SQLITE_CORRUPT => (
                "The database is damaged. Restore it from its replica, or repair it with SQLite's .recover command.", false),
            _ => ((string?)null, false),
        };
        return new DatabaseException($"{path}: cannot {action}: {text} (SQLite code {extended}).", hint, extended)
        {
            IsTransient = isTransient
        };
    }

    private static bool IsOutOfHandles(sqlite3? connection, int code)
        => (code & 0xff) is raw.SQLITE_CANTOPEN or raw.SQLITE_IOERR
            && connection is { IsInvalid: false }
            && OpenFileLimit.IsReached(SqliteLibrary.SystemError(connection));
}
