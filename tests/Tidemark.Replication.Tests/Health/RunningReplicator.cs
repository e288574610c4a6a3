using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Health;
using Xunit;

namespace Tidemark.Replication.Tests.Health;

/// <summary>A run of the engine that can be waited for by its status.</summary>
internal sealed class RunningReplicator : IAsyncDisposable
{
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cutShort = new();

    private RunningReplicator(
        IReadOnlyList<DatabaseOptions> databases, TimeProvider time, ILoggerFactory? loggers = null, IFileSystem? files = null)
    {
        Replicator = new Replicator(databases, files ?? PhysicalFileSystem.Instance, time, loggers ?? NullLoggerFactory.Instance);
        Run = Replicator.RunAsync(_stop.Token, _cutShort.Token);
    }

    public Replicator Replicator { get; }

    public Task Run { get; }

    /// <summary>Begins a run.</summary>
    public static RunningReplicator Start(params IReadOnlyList<DatabaseOptions> databases) => new(databases, TimeProvider.System);

    /// <summary>Begins a run with another clock.</summary>
    public static RunningReplicator Start(TimeProvider time, params IReadOnlyList<DatabaseOptions> databases) => new(databases, time);

    /// <summary>Begins a run whose events are kept.</summary>
    public static RunningReplicator Start(DatabaseOptions database, ILoggerFactory loggers)
        => new([database], TimeProvider.System, loggers);

    /// <summary>Begins a run with another clock, whose events are kept.</summary>
    public static RunningReplicator Start(TimeProvider time, ILoggerFactory loggers, DatabaseOptions database)
        => new([database], time, loggers);

    /// <summary>Begins a run on another file system, whose events are kept.</summary>
    public static RunningReplicator Start(IFileSystem files, ILoggerFactory loggers, params IReadOnlyList<DatabaseOptions> databases)
        => new(databases, TimeProvider.System, loggers, files);

    /// <summary>A database with intervals that suit a test.</summary>
    public static DatabaseOptions Options(string databasePath, params IReadOnlyList<IReplicaStore> stores) => new()
    {
        DatabasePath = databasePath,
        Destinations = stores,
        SyncInterval = TimeSpan.FromMilliseconds(10),
        MonitorInterval = TimeSpan.FromMilliseconds(50),
        ShutdownTimeout = TimeSpan.Zero,
    };

    /// <summary>How a database stands.</summary>
    public DatabaseStatus? StatusOf(string databasePath)
        => Replicator.GetStatus().SingleOrDefault(status => status.DatabasePath == databasePath);

    /// <summary>Waits until the status of a database is as wanted, and returns it.</summary>
    public async Task<DatabaseStatus> WaitAsync(string databasePath, Func<DatabaseStatus, bool> isWanted)
    {
        while (true)
        {
            Assert.False(Run.IsCompleted, Run.Exception?.ToString() ?? "The run has ended.");
            if (StatusOf(databasePath) is { } status && isWanted(status))
            {
                return status;
            }

            await Task.Delay(s_lookInterval, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until every destination has more than a TXID, and everything that is captured.</summary>
    public Task<DatabaseStatus> WaitUntilShippedAsync(string databasePath, Txid beyond = default)
        => WaitAsync(
            databasePath,
            status => status.Captured > beyond && status.Destinations.All(destination => destination.Shipped == status.Captured));

    /// <summary>Ends the run in order.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Run;
    }

    public async ValueTask DisposeAsync()
    {
        await _cutShort.CancelAsync();
        await _stop.CancelAsync();
        await Run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _cutShort.Dispose();
    }
}
