using SQLitePCL;

namespace Tidemark.Replication.Databases;

/// <summary>A connection that reads a database file of which nobody knows who made it, and that nobody else uses.</summary>
/// <remarks>
/// <para>The schema of a database is code. Here, nothing of it runs that is not needed to read: views and triggers are off, functions and
/// virtual tables with effects cannot be used from within it (<c>trusted_schema=OFF</c>), no extension can be loaded, no other file
/// attached, and neither SQLite's own tables nor those of virtual tables can be written to (defensive), apart from the file being read-only.
/// https://www.sqlite.org/security.html. Limits on the size of rows and statements stay: they would refuse sound databases.</para>
/// <para>Immutable: SQLite neither locks the file nor looks for a WAL, which a restored file in WAL mode would otherwise get.</para>
/// <para>Not thread-safe.</para>
/// </remarks>
internal sealed class UntrustedDatabase : IDisposable
{
    // https://www.sqlite.org/c3ref/c_dbconfig_defensive.html
    private const int EnableTrigger = 1003;
    private const int EnableFts3Tokenizer = 1004;
    private const int EnableLoadExtension = 1005;
    private const int Defensive = 1010;
    private const int EnableView = 1015;
    private const int TrustedSchema = 1017;

    // https://www.sqlite.org/c3ref/c_limit_attached.html
    private const int LimitAttached = 7;
    private const int LimitTriggerDepth = 10;
    private const int LimitWorkerThreads = 11;

    private readonly sqlite3 _connection;
    private readonly string _name;

    private UntrustedDatabase(sqlite3 connection, string name) => (_connection, _name) = (connection, name);

    /// <summary>Whether anything has called what <see cref="AddCollation"/> and <see cref="AddFunction"/> put in the place of the
    /// application's own.</summary>
    public bool HasUsedStandIns { get; private set; }

    /// <summary>Opens it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">How errors call the database.</param>
    public static UntrustedDatabase Open(string path, string name)
    {
        SqliteLibrary.EnsureLoaded();
        var uri = new UriBuilder { Scheme = "file", Host = "", Path = Path.GetFullPath(path), Query = "immutable=1" }.Uri.AbsoluteUri;
        var code = raw.sqlite3_open_v2(
            uri, out var connection, raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI | raw.SQLITE_OPEN_NOMUTEX, null);
        try
        {
            if (code != raw.SQLITE_OK)
            {
                throw DatabaseException.From(name, "open the database", connection, code);
            }

            foreach (var (option, value) in (ReadOnlySpan<(int, int)>)
                [
                    (Defensive, 1), (TrustedSchema, 0), (EnableTrigger, 0), (EnableView, 0), (EnableLoadExtension, 0), (EnableFts3Tokenizer, 0),
                ])
            {
                _ = raw.sqlite3_db_config(connection, option, value, out _);
            }

            _ = raw.sqlite3_limit(connection, LimitAttached, 0);
            _ = raw.sqlite3_limit(connection, LimitTriggerDepth, 0);
            _ = raw.sqlite3_limit(connection, LimitWorkerThreads, 0);
            var opened = new UntrustedDatabase(connection, name);
            _ = opened.TryQuery("PRAGMA cell_size_check=ON", out _);
            return opened;
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>Runs a statement and reads the text of the first column of all rows.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="missing">What SQLite says that it lacks for it, such as <c>no such collation sequence: german</c>; null when it ran.</param>
    /// <param name="cancellationToken">Interrupts it.</param>
    /// <exception cref="DatabaseException">It failed in another way: the file is damaged, for instance.</exception>
    public IReadOnlyList<string> TryQuery(string sql, out string? missing, CancellationToken cancellationToken = default)
    {
        missing = null;
        var rows = new List<string>();
        using var interrupting = cancellationToken.UnsafeRegister(
            static connection => raw.sqlite3_interrupt((sqlite3)connection!), _connection);
        cancellationToken.ThrowIfCancellationRequested();
        var code = raw.sqlite3_prepare_v2(_connection, sql, out var statement);
        using (statement)
        {
            for (code = code == raw.SQLITE_OK ? raw.SQLITE_ROW : code; code == raw.SQLITE_ROW;)
            {
                code = raw.sqlite3_step(statement);
                if (code == raw.SQLITE_ROW)
                {
                    rows.Add(raw.sqlite3_column_text(statement, 0).utf8_to_string() ?? "");
                }
            }

            if (code == raw.SQLITE_DONE)
            {
                return rows;
            }

            cancellationToken.ThrowIfCancellationRequested();

            // The general code is that of what cannot be compiled. Damage, a full memory and a failing disk have their own.
            var message = raw.sqlite3_errmsg(_connection).utf8_to_string();
            if ((code & 0xff) == raw.SQLITE_ERROR)
            {
                missing = message;
                return [];
            }

            var details = message == raw.sqlite3_errstr(code).utf8_to_string() ? "" : $" ({message})";
            throw DatabaseException.From(_name, $"run {sql}{details}", _connection, code);
        }
    }

    /// <summary>Puts a comparison in the place of a collation that only the application has.</summary>
    public void AddCollation(string name)
        => _ = raw.sqlite3_create_collation(_connection, name, null!, (_, one, other) =>
        {
            HasUsedStandIns = true;
            return string.CompareOrdinal(one, other);
        });

    /// <summary>Puts an empty text in the place of a function that only the application has.</summary>
    public void AddFunction(string name)
    {
        const int AnyArguments = -1;
        const int Innocuous = 0x20_0000; // SQLITE_INNOCUOUS
        const int Deterministic = 0x800; // SQLITE_DETERMINISTIC
        _ = raw.sqlite3_create_function(
            _connection, name, AnyArguments, raw.SQLITE_UTF8 | Innocuous | Deterministic, null!, (context, _, _) =>
            {
                HasUsedStandIns = true;
                raw.sqlite3_result_text(context, "");
            });
    }

    /// <summary>Makes every virtual table one whose module is unknown. SQLite leaves those out of its checks, and checks the tables in which
    /// they keep their content.</summary>
    public void DropModules() => _ = SqliteLibrary.DropModules(_connection, 0);

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();
}
