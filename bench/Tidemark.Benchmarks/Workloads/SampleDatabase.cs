namespace Tidemark.Benchmarks.Workloads;

/// <summary>Databases to measure with: half rows of text, which compress well, half random bytes, which do not.</summary>
internal static class SampleDatabase
{
    public const int PageSizeBytes = 4096;

    private const int BytesOfChunk = 4 << 20;
    private const int BytesOfEmptyRow = 1 << 20;

    /// <summary>Creates a database of about this size, in WAL mode with an empty WAL.</summary>
    public static void Create(string path, long sizeBytes)
    {
        using var connection = Begin(path);
        while (SizeOf(connection) < sizeBytes)
        {
            Fill(connection, BytesOfChunk);
        }

        End(connection);
    }

    /// <summary>Creates a database with about this much content in its tables, which may be none.</summary>
    public static void CreateSmall(string path, int contentBytes)
    {
        using var connection = Begin(path);
        if (contentBytes > 0)
        {
            Fill(connection, contentBytes);
        }

        End(connection);
    }

    /// <summary>Creates a database of about this size of which nine tenths are zeros, so that it is large and yet quickly made.</summary>
    public static void CreateMostlyEmpty(string path, long sizeBytes)
    {
        using var connection = Begin(path);
        while (SizeOf(connection) < sizeBytes / 10)
        {
            Fill(connection, BytesOfChunk);
        }

        connection.Run("BEGIN");
        var rows = sizeBytes * 9 / 10 / BytesOfEmptyRow;
        connection.Run($"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{rows})
            INSERT INTO file(data) SELECT zeroblob({BytesOfEmptyRow}) FROM n
            """);
        connection.Run("COMMIT");
        End(connection);
    }

    /// <summary>One transaction that adds about this many bytes.</summary>
    public static void Fill(Connection connection, int bytes)
    {
        const int BytesOfLine = 220;
        const int BytesOfBlob = 20_000;
        connection.Run("BEGIN IMMEDIATE");
        connection.Run($$"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{{bytes / 2 / BytesOfLine}})
            INSERT INTO log(line) SELECT format(
                '{"at":"2026-01-%02dT%02d:%02d:00Z","level":"information","user":"user-%05d","action":"order.updated","order":%d,"amount":"%d.%02d EUR","note":"The order was changed by its owner.","source":"web"}',
                i%28+1, i%24, i%60, abs(random())%90000, i, i%1000, i%100) FROM n
            """);
        connection.Run($"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{Math.Max(1, bytes / 2 / BytesOfBlob)})
            INSERT INTO file(data) SELECT randomblob({BytesOfBlob}) FROM n
            """);
        connection.Run("COMMIT");
    }

    /// <summary>One transaction that changes that many rows all over the database, and not its size. What it does depends on
    /// <paramref name="number"/> only.</summary>
    public static void Change(Connection connection, int rows, int number)
    {
        connection.Run("BEGIN IMMEDIATE");
        Scatter(connection, rows, number);
        connection.Run("COMMIT");
    }

    /// <summary>What <see cref="Change"/> does, in a transaction of the caller.</summary>
    public static void Scatter(Connection connection, int rows, int number)
    {
        const int PrimeOfRow = 7919;
        const int PrimeOfNumber = 104_729;
        var count = connection.Run("SELECT max(id) FROM log");
        connection.Run($$"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{{rows}})
            UPDATE log SET line='{"at":"{{number:D20}}"' || substr(line, 29)
            WHERE id IN (SELECT (i*{{PrimeOfRow}}+{{number}}*{{PrimeOfNumber}})%{{count}}+1 FROM n)
            """);
    }

    private static Connection Begin(string path)
    {
        var connection = new Connection(path);
        connection.Run($"PRAGMA page_size={PageSizeBytes}");
        connection.Run("PRAGMA journal_mode=OFF");
        connection.Run("PRAGMA synchronous=OFF");
        connection.Run("CREATE TABLE log(id INTEGER PRIMARY KEY, line TEXT)");
        connection.Run("CREATE TABLE file(id INTEGER PRIMARY KEY, data BLOB)");
        return connection;
    }

    private static void End(Connection connection) => connection.Run("PRAGMA journal_mode=WAL");

    private static long SizeOf(Connection connection) => connection.Run("PRAGMA page_count") * PageSizeBytes;
}
