using System.Collections.Concurrent;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Crash.Tests.Soak;

/// <summary>An application that commits all the time and notes what each of its transactions leaves behind.</summary>
internal sealed class SoakWriter : IDisposable
{
    private const int PageSize = 1024;
    private const int PagesMax = 150; // The independent checker is slow.
    private const int AutoCheckpointPages = 50;
    private const int PauseMsMax = 25;

    private readonly ConcurrentDictionary<long, string> _digests = [];
    private readonly SourceDatabase _database;
    private readonly Random _random;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public SoakWriter(string path, int seed)
    {
        _random = new Random(seed);
        _database = SourceDatabase.Open(path, PageSize, autoCheckpoint: AutoCheckpointPages, incrementalVacuum: true);
        SoakContent.CreateTables(_database);
        Commit("SELECT 1");
    }

    /// <summary>How many transactions were noted.</summary>
    public int Count => _digests.Count;

    /// <summary>The application's own connection. After <see cref="StopAsync"/>.</summary>
    public SourceDatabase Database => _database;

    /// <summary>Begins to write.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Ends after the transaction that is underway. Throws what went wrong.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>Throws if the application had to give up.</summary>
    public void ThrowIfFailed() => Assert.False(_running.IsFaulted, _running.Exception?.ToString());

    /// <summary>Checks that a database is what one transaction left.</summary>
    public void AssertWasCommitted(SoakContent content, string what)
    {
        Assert.True(_digests.TryGetValue(content.Commit, out var digest), $"{what}: there was no transaction {content.Commit}");
        Assert.True(content.Digest == digest, $"{what}: the rows are not those of transaction {content.Commit}");
    }

    public void Dispose()
    {
        _database.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Step();
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(PauseMsMax)), TimeProvider.System, _stop.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Step()
    {
        switch (_random.Next(100))
        {
            case < 45:
                Commit(Insert(_random.Next(1, 8), _random.Next(10, 700)));
                break;
            case < 50:
                Commit(Insert(_random.Next(1, 3), _random.Next(2000, 12_000)));
                break;
            case < 70:
                Commit($"UPDATE t SET data = randomblob({_random.Next(10, 700)}) WHERE id % {_random.Next(2, 30)} = 1");
                break;
            case < 85:
                Commit($"DELETE FROM t WHERE id % {_random.Next(2, 20)} = 1");
                break;
            case < 88:
                Commit("DROP TABLE IF EXISTS other; CREATE TABLE other AS SELECT id, data FROM t WHERE id % 3 = 0");
                break;
            case < 94:
                _database.Run("PRAGMA incremental_vacuum(3)");
                break;
            case < 96:
                _database.Run("VACUUM");
                break;
            default:
                _database.Run("SELECT sum(length(data)) FROM t");
                break;
        }

        if (_database.RunLong("PRAGMA page_count") > PagesMax)
        {
            Commit("DELETE FROM t WHERE id % 5 > 0; DROP TABLE IF EXISTS other");
            _database.Run("VACUUM");
        }
    }

    private static string Insert(int rows, int bytesOfRow)
        => $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{rows}) "
            + $"INSERT INTO t(data) SELECT randomblob({bytesOfRow}) FROM n";

    // Noted before the commit: nobody can see a transaction that is not noted yet.
    private void Commit(string sql)
    {
        _database.Run("BEGIN IMMEDIATE");
        _database.Run(sql);
        SoakContent.Count(_database);
        var content = SoakContent.Read(_database);
        Assert.True(_digests.TryAdd(content.Commit, content.Digest), $"Transaction {content.Commit} was there before.");
        _database.Run("COMMIT");
    }
}
