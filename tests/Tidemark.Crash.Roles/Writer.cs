using Microsoft.Data.Sqlite;
using SQLitePCL;
using Tidemark.Testing.Databases;

namespace Tidemark.Crash.Roles;

/// <summary>An application: transactions of all sizes, one after the other, without an end.</summary>
/// <param name="path">Its database.</param>
/// <param name="pageSize">In bytes, when it creates it.</param>
/// <param name="seed">Of everything that is left to chance.</param>
/// <param name="habit"><c>stays</c> with the database open, <c>visits</c> it for a while every few seconds, or opens it for each
/// <c>request</c>.</param>
internal sealed class Writer(string path, int pageSize, int seed, string habit)
{
    private const int BigBytesMax = 24 << 20;
    private const long DatabaseBytesMax = 48 << 20;
    private const int PauseMsMax = 6;
    private const int AwayMsMax = 4000;
    private static readonly int[] s_autoCheckpoints = [0, 100, 1000];

    private readonly Random _random = new(seed);

    // After how many steps it closes the database, roughly.
    private int StepsOfConnection => habit switch
    {
        "request" => 1,
        "visits" => 20,
        _ => 60,
    };

    // For how long it is then away, at most.
    private int AwayMs => habit switch
    {
        "request" => PauseMsMax,
        "visits" => AwayMsMax,
        _ => 1,
    };

    public async Task RunAsync(CancellationToken stopping)
    {
        var database = Open();
        try
        {
            database.CreateTable();
            Program.SayReady();
            while (!stopping.IsCancellationRequested)
            {
                if (_random.Next(StepsOfConnection) == 0)
                {
                    // The last connection to close checkpoints and deletes the WAL.
                    database.Dispose();
                    await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(AwayMs)), TimeProvider.System, stopping);
                    database = Open();
                }

                Step(database);
                await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(PauseMsMax)), TimeProvider.System, stopping);
            }
        }
        finally
        {
            database.Dispose();
        }
    }

    private SourceDatabase Open()
        => SourceDatabase.Open(
            path, pageSize, autoCheckpoint: s_autoCheckpoints[_random.Next(s_autoCheckpoints.Length)], incrementalVacuum: true);

    private void Step(SourceDatabase database)
    {
        try
        {
            Change(database);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED)
        {
            // Somebody else was faster, as in any application.
            database.Run("SELECT 1");
        }
    }

    private void Change(SourceDatabase database)
    {
        switch (_random.Next(100))
        {
            case < 45:
                database.Insert(_random.Next(1, 6), _random.Next(10, 500));
                break;
            case < 60:
                database.Insert(_random.Next(10, 300), _random.Next(10, 2000));
                break;
            case < 72:
                database.Run($"UPDATE t SET data = randomblob({_random.Next(10, 1500)}) WHERE id % {_random.Next(2, 50)} = 1");
                break;
            case < 82:
                database.Run($"DELETE FROM t WHERE id % {_random.Next(2, 20)} = 1");
                break;
            case < 86:
                BigTransaction(database);
                break;
            case < 91:
                IncrementalVacuum(database);
                break;
            case < 93:
                database.Run("VACUUM");
                break;
            case < 95:
                database.Run("DROP TABLE IF EXISTS other");
                database.Run("CREATE TABLE other AS SELECT id, data FROM t WHERE id % 5 = 0");
                break;
            case < 97:
                // Most modes hold the write lock while they wait for readers, and there always is one: the guard.
                database.Run("PRAGMA busy_timeout=50");
                database.Run($"PRAGMA wal_checkpoint({CheckpointModes.Pick(_random)})");
                database.Run("PRAGMA busy_timeout=30000");
                break;
            default:
                database.Run("SELECT sum(length(data)) FROM t");
                break;
        }

        if (database.RunLong("PRAGMA page_count") * pageSize > DatabaseBytesMax)
        {
            database.Run("DELETE FROM t WHERE id % 20 > 0");
            database.Run("DROP TABLE IF EXISTS other");
            database.Run("VACUUM");
        }
    }

    // The small cache spills frames of the open transaction into the WAL; some transactions are never committed.
    private void BigTransaction(SourceDatabase database)
    {
        database.Run("PRAGMA cache_size=20");
        database.Run("BEGIN IMMEDIATE");
        var bytesOfRow = _random.Next(500, 200_000);
        for (var rest = _random.Next(1 << 20, BigBytesMax); rest > 0; rest -= bytesOfRow * 10)
        {
            database.Insert(10, bytesOfRow);
        }

        database.Run(_random.Next(3) == 0 ? "ROLLBACK" : "COMMIT");
        database.Run("PRAGMA cache_size=-2000");
    }

    private void IncrementalVacuum(SourceDatabase database)
    {
        for (var pages = _random.Next(1, 30); pages > 0; pages--)
        {
            database.Run("PRAGMA incremental_vacuum(1)");
        }
    }
}
