using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing;
using Tidemark.Testing.Databases;

namespace Tidemark.Replicas.Tests.Follow;

/// <summary>A database that SQLite writes, over its captures. Every transaction keeps the sum of the balances at zero.</summary>
internal sealed class SqliteHistory : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SourceDatabase _source;

    public SqliteHistory(int pageSize = 1024, bool isProven = true)
    {
        Files = new History(pageSize, isProven);
        _source = SourceDatabase.Open(_folder["source.db"], pageSize);
        Do("CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER, note BLOB); "
            + "CREATE INDEX by_balance ON accounts(balance);");
        Grow(10);
    }

    public History Files { get; }

    /// <summary>A transaction of the application, without a capture.</summary>
    public void Do(string sql) => _source.Run($"BEGIN; {sql}; COMMIT");

    /// <summary>Pairs of rows whose sum is zero.</summary>
    public void Grow(int pairs)
        => Do(
            $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {pairs}) "
            + "INSERT INTO accounts(balance, note) SELECT b * i, randomblob(300) FROM n, (SELECT 1 AS b UNION ALL SELECT -1)");

    /// <summary>Deletes pairs of rows, and gives their pages back.</summary>
    public void Shrink()
    {
        Do("DELETE FROM accounts WHERE abs(balance) % 3 > 0");
        _source.Run("VACUUM");
    }

    public SqliteHistory Capture()
    {
        Files.Capture(_source.Serialize());
        return this;
    }

    public void Dispose()
    {
        _source.Dispose();
        _folder.Dispose();
    }
}
