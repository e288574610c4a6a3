using Tidemark.Testing.Databases;

namespace Tidemark.Crash.Roles;

/// <summary>An application whose every transaction keeps two promises that a reader can check: the balances add up to zero, and the number
/// of the transaction goes up.</summary>
internal sealed class Bank(string path, int seed)
{
    /// <summary>The number of the last transaction.</summary>
    public const string NumberSql = "SELECT number FROM last";

    /// <summary>Zero, in every state.</summary>
    public const string SumSql = "SELECT coalesce(sum(balance), 0) FROM accounts";

    private const int RowsMax = 30_000;
    private const int PauseMsMax = 8;
    private readonly Random _random = new(seed);

    public async Task RunAsync(CancellationToken stopping)
    {
        using var database = SourceDatabase.Open(path, autoCheckpoint: 1000);
        database.Run(
            "BEGIN; CREATE TABLE IF NOT EXISTS accounts(id INTEGER PRIMARY KEY, balance INTEGER, note BLOB); "
            + "CREATE INDEX IF NOT EXISTS by_balance ON accounts(balance); "
            + "CREATE TABLE IF NOT EXISTS last(number INTEGER); INSERT INTO last SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM last); COMMIT");
        Program.SayReady();
        while (!stopping.IsCancellationRequested)
        {
            database.Run($"BEGIN IMMEDIATE; UPDATE last SET number = number + 1; {Change(database)}; COMMIT");
            if (_random.Next(150) == 0)
            {
                database.Run("VACUUM");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(PauseMsMax)), TimeProvider.System, stopping);
        }
    }

    private string Change(SourceDatabase database) => _random.Next(10) switch
    {
        < 5 => $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {_random.Next(1, 60)}) "
            + "INSERT INTO accounts(balance, note) "
            + $"SELECT b * i, randomblob({_random.Next(10, 400)}) "
            + "FROM n, (SELECT 1 AS b UNION ALL SELECT -1)",
        < 8 => $"UPDATE accounts SET balance = -balance, note = randomblob({_random.Next(10, 400)}) "
            + $"WHERE abs(balance) % 7 = {_random.Next(7)}",
        _ when database.RunLong("SELECT count(*) FROM accounts") > RowsMax => "DELETE FROM accounts",
        _ => $"DELETE FROM accounts WHERE abs(balance) = {_random.Next(1, 60)}",
    };
}
