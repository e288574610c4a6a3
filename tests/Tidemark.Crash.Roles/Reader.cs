using Microsoft.Data.Sqlite;
using SQLitePCL;
using Tidemark.Testing.Databases;

namespace Tidemark.Crash.Roles;

/// <summary>An application that reads a followed database all the time. It ends with an error when it sees a state that cannot
/// be.</summary>
internal sealed class Reader(string path, int seed)
{
    private const int QueriesMax = 400;
    private readonly Random _random = new(seed);
    private long _last;

    public async Task RunAsync(CancellationToken stopping)
    {
        Program.SayReady();
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using var database = SourceDatabase.Open(path, journalMode: "delete");
                for (var queries = _random.Next(1, QueriesMax); queries > 0 && !stopping.IsCancellationRequested; queries--)
                {
                    Look(database);
                    await Task.Yield();
                }
            }
            catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_BUSY)
            {
                // The follower was killed or is slow; SQLite never lets a reader see what is not whole.
            }
        }
    }

    private void Look(SourceDatabase database)
    {
        database.Run("BEGIN");
        try
        {
            var number = database.RunLong(Bank.NumberSql);
            Require(number >= _last, $"transaction {number} after {_last}");
            _last = number;
            Require(database.RunLong(Bank.SumSql) == 0, $"the balances of transaction {number} do not add up");
            if (_random.Next(10) == 0)
            {
                var verdict = database.Run("PRAGMA integrity_check") as string;
                Require(verdict == "ok", $"transaction {number}: {verdict}");
            }
        }
        finally
        {
            database.Run("COMMIT");
        }
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException(what);
        }
    }
}
