using Microsoft.Data.Sqlite;
using SQLitePCL;
using Tidemark.Testing.Databases;

namespace Tidemark.Crash.Roles;

/// <summary>Everybody else who uses the database: long readers, checkpoints in all modes, VACUUM, a second writer.</summary>
internal sealed class Meddler(string path, int seed)
{
    private const int PauseMsMax = 25;

    private readonly Random _random = new(seed);
    private readonly List<SourceDatabase> _readers = [];

    public async Task RunAsync(int steps, CancellationToken stopping)
    {
        var database = Open();
        try
        {
            Program.SayReady();
            for (var step = 0; (steps == 0 || step < steps) && !stopping.IsCancellationRequested; step++)
            {
                if (_random.Next(15) == 0)
                {
                    database.Dispose();
                    database = Open();
                }

                Step(database, isAlone: steps > 0);
                await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(PauseMsMax)), TimeProvider.System, stopping);
            }
        }
        finally
        {
            _readers.ForEach(reader => reader.Dispose());
            database.Dispose();
        }
    }

    private SourceDatabase Open()
    {
        var database = SourceDatabase.Open(path, autoCheckpoint: _random.Next(2) * 1000);
        database.Run("PRAGMA busy_timeout=50");
        return database;
    }

    private void Step(SourceDatabase database, bool isAlone)
    {
        try
        {
            Meddle(database, isAlone);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED)
        {
            // Other users are in the way, which is the point.
            database.Run("SELECT 1");
        }
    }

    private void Meddle(SourceDatabase database, bool isAlone)
    {
        switch (_random.Next(100))
        {
            case < 20 when _readers.Count < 3:
                var reader = Open();
                _readers.Add(reader);
                reader.Run("BEGIN");
                reader.Run("SELECT count(*) FROM sqlite_schema");
                break;
            case < 40 when _readers.Count > 0:
                var index = _random.Next(_readers.Count);
                _readers[index].Dispose();
                _readers.RemoveAt(index);
                break;
            case < 75:
                database.Run($"PRAGMA wal_checkpoint({CheckpointModes.Pick(_random)})");
                break;
            case < 90:
                database.CreateTable();
                database.Insert(_random.Next(1, 4));
                break;
            case < 93:
                database.Run("VACUUM");
                break;
            case < 95 when isAlone && _readers.Count == 0:
                // The WAL is gone, and later there is another one.
                database.Run("PRAGMA journal_mode=delete");
                database.Run("PRAGMA journal_mode=wal");
                break;
            default:
                database.Run("SELECT sum(length(data)) FROM t");
                break;
        }
    }
}
