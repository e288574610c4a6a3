using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Scheduling;

namespace Tidemark.Replication;

/// <summary>Replicates databases to their destinations, until it is stopped or once.</summary>
/// <remarks>One run an instance. Databases do not hold each other back.</remarks>
/// <param name="databases">The databases.</param>
/// <param name="files">The file system of the spools; the WAL is read through it too.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">Where events go.</param>
public sealed class Replicator(IReadOnlyList<DatabaseOptions> databases, IFileSystem files, TimeProvider time, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger("Tidemark.Replication");

    /// <summary>Runs until <paramref name="stopping"/>, then makes a final capture of each database and ships what is left.</summary>
    /// <param name="stopping">Begins the shutdown.</param>
    /// <param name="cutShort">Ends the shutdown at once. What was not shipped stays in the spool.</param>
    /// <exception cref="TidemarkException">At the end something was not captured or not shipped; the log says what.</exception>
    public async Task RunAsync(CancellationToken stopping, CancellationToken cutShort)
    {
        using var watch = new WalWatch();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var workers = OpenAll(watch);
        try
        {
            // A database whose replication is impossible ends all, so that nobody believes that it is replicated.
            var runs = workers.Select(worker => RunWorkerAsync(worker, stop, cutShort)).ToArray();
            var results = await Task.WhenAll(runs).ConfigureAwait(false);
            if (!results.All(isComplete => isComplete))
            {
                throw new TidemarkException(
                    "Not everything was captured and shipped before the end.",
                    "Start again to ship the rest: it stays in the spool of each database.");
            }
        }
        finally
        {
            workers.ForEach(worker => worker.Dispose());
        }
    }

    /// <summary>Captures and ships everything that is there now.</summary>
    /// <exception cref="TidemarkException">A database is missing, or something could not be captured or shipped.</exception>
    public Task RunOnceAsync(CancellationToken cancellationToken) => RunOnceAsync(new OnceOptions(), cancellationToken);

    /// <summary>Captures and ships everything that is there now.</summary>
    /// <param name="options">What is done beside.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="TidemarkException">A database is missing, or something could not be captured or shipped.</exception>
    public async Task RunOnceAsync(OnceOptions options, CancellationToken cancellationToken)
    {
        using var watch = new WalWatch();
        var workers = OpenAll(watch);
        try
        {
            foreach (var worker in workers)
            {
                await worker.RunOnceAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            workers.ForEach(worker => worker.Dispose());
        }
    }

    private static async Task<bool> RunWorkerAsync(DatabaseWorker worker, CancellationTokenSource stop, CancellationToken cutShort)
    {
        // The first step opens the database; it must not hold back the others.
        await Task.Yield();
        try
        {
            return await worker.RunAsync(stop.Token, cutShort).ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private List<DatabaseWorker> OpenAll(WalWatch watch)
    {
        var workers = new List<DatabaseWorker>();
        try
        {
            foreach (var database in databases)
            {
                workers.Add(Open(database, watch));
            }

            return workers;
        }
        catch
        {
            workers.ForEach(worker => worker.Dispose());
            throw;
        }
    }

    private DatabaseWorker Open(DatabaseOptions database, WalWatch watch)
    {
        try
        {
            return new DatabaseWorker(database, files, time, _logger, watch);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TidemarkException(
                $"{database.DatabasePath}: the spool cannot be opened: {e.Message}",
                "Check the rights and the free space of the folder, or set another one with meta-path.",
                e);
        }
    }
}
