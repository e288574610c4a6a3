using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Audit;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Health;
using Tidemark.Replication.Scheduling;

namespace Tidemark.Replication;

/// <summary>Replicates databases to their destinations, until it is stopped or once.</summary>
/// <remarks>
/// <para>One run an instance. Databases do not hold each other back: a bounded number is worked on at once, and what takes long stops
/// counting. An idle database has no thread, no timer and no request underway; one timer for all of them looks at the time.</para>
/// <para>While it runs, databases can be added and removed and the status be asked for, from any thread.</para>
/// </remarks>
/// <param name="databases">The databases to begin with.</param>
/// <param name="files">The file system of the spools; the WAL is read through it too.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">Where events go.</param>
public sealed class Replicator(IReadOnlyList<DatabaseOptions> databases, IFileSystem files, TimeProvider time, ILoggerFactory loggers)
{
    private static readonly TimeSpan s_sweepIntervalMax = TimeSpan.FromSeconds(1);

    // What takes longer is left behind: one file system that does not answer must not keep the others from being looked at.
    private static readonly TimeSpan s_sweepPatience = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger = loggers.CreateLogger("Tidemark.Replication");
    private readonly ConcurrentDictionary<string, DatabaseRun> _runs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RefusedDatabase> _refused = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Exception> _failures = new();
    private readonly Lock _gate = new();
    private ReplicationScope? _scope;
    private CancellationTokenSource? _stop;
    private CancellationToken _cutShort;

    /// <summary>How every database stands, in the order of their paths; empty before a run and after it. Makes no request.</summary>
    public IReadOnlyList<DatabaseStatus> GetStatus()
        => [.. _runs.Values.Select(run => run.Worker.GetStatus())
            .Concat(_refused.Values.Select(refused => refused.GetStatus()))
            .DistinctBy(status => status.DatabasePath)
            .OrderBy(status => status.DatabasePath, StringComparer.Ordinal)];

    /// <summary>Runs until <paramref name="stopping"/>, then makes a final capture of each database and ships what is left.</summary>
    /// <remarks>
    /// If no database can be replicated at all when the run begins, the run ends, so that nobody believes that any is replicated. One of
    /// several is reported and tried again, and the others go on. One whose destinations all have another writer stops alone.
    /// </remarks>
    /// <param name="stopping">Begins the shutdown.</param>
    /// <param name="cutShort">Ends the shutdown at once. What was not shipped stays in the spool.</param>
    /// <exception cref="TidemarkException">A database could not be replicated, or at the end something was not captured or not shipped: the
    /// log says what.</exception>
    public async Task RunAsync(CancellationToken stopping, CancellationToken cutShort)
    {
        using var scope = CreateScope(maintenanceLevel: LogLevel.Debug);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            // Also when the end is asked for already: then there still is a last capture.
            await OpenAllAsync(scope, CancellationToken.None).ConfigureAwait(false);
            if (_runs.IsEmpty)
            {
                NoteRefused();
                ThrowIfAnyFailed();
            }

            lock (_gate)
            {
                (_scope, _stop, _cutShort) = (scope, stop, cutShort);
                foreach (var run in _runs.Values)
                {
                    Start(run);
                }
            }

            await SweepAsync(scope, stop.Token).ConfigureAwait(false);
            lock (_gate)
            {
                _scope = null; // Nothing can be added any more.
            }

            await FinishAsync().ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                (_scope, _stop) = (null, null);
            }

            DisposeAll();
        }
    }

    /// <summary>Captures and ships everything that is there now.</summary>
    /// <exception cref="TidemarkException">A database is missing, or something could not be captured or shipped.</exception>
    public Task RunOnceAsync(CancellationToken cancellationToken) => RunOnceAsync(new OnceOptions(), cancellationToken);

    /// <summary>Captures and ships everything that is there now, and does what else the options ask for.</summary>
    /// <exception cref="TidemarkException">A database is missing, or something could not be done.</exception>
    public async Task RunOnceAsync(OnceOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var scope = CreateScope(maintenanceLevel: LogLevel.Information);
        try
        {
            await OpenAllAsync(scope, cancellationToken).ConfigureAwait(false);
            foreach (var (path, run) in databases.Select(database => database.DatabasePath)
                .Where(_runs.ContainsKey).Select(path => (path, _runs[path])))
            {
                try
                {
                    await run.Worker.RunOnceAsync(options, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    _failures.Enqueue(e);
                    if (Log.IsDefect(e))
                    {
                        _logger.Defect("the run", path, e.ToString());
                    }

                    if (databases.Count > 1)
                    {
                        _logger.ReplicationEnded(path, Log.Reason(e));
                    }
                }
            }

            NoteRefused();
            ThrowIfAnyFailed();
        }
        finally
        {
            DisposeAll();
        }
    }

    /// <summary>Begins to replicate another database while the run goes on.</summary>
    /// <returns>Ends when the database was looked at for the first time, or is waited for because there is none yet.</returns>
    /// <exception cref="TidemarkException">It cannot be replicated, or is replicated already, or shares a destination with another. Nothing was
    /// added.</exception>
    /// <exception cref="InvalidOperationException">No run is underway.</exception>
    public async Task AddAsync(DatabaseOptions database, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        DatabaseRun run;
        lock (_gate)
        {
            var scope = _scope ?? throw new InvalidOperationException("Databases can be added only while a run is underway.");
            ThrowIfTaken(database);
            run = Open(database, scope, isAdded: true);
            Start(run);
        }

        try
        {
            await run.Worker.FirstLook.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await RemoveAsync(database.DatabasePath, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends the replication of a database, with a final capture and upload, while the run goes on.</summary>
    /// <param name="databasePath">The path as it stands in the options.</param>
    /// <param name="cutShort">Ends it at once. What was not shipped stays in the spool.</param>
    /// <returns>True when every destination has everything; false when not, or when there is no such database.</returns>
    public async Task<bool> RemoveAsync(string databasePath, CancellationToken cutShort)
    {
        _refused.TryRemove(databasePath, out _);
        if (!_runs.TryGetValue(databasePath, out var run))
        {
            return false;
        }

        var isComplete = await run.StopAsync(cutShort).ConfigureAwait(false);
        if (_runs.TryRemove(new(databasePath, run)))
        {
            run.Dispose();
        }

        return isComplete;
    }

    /// <summary>Reads the whole database now and compares it with what was captured, while the run goes on.</summary>
    /// <param name="databasePath">The path as it stands in the options.</param>
    /// <param name="cancellationToken">Ends the wait, not the audit.</param>
    /// <returns>What it found. Pages that differ are captured next.</returns>
    /// <exception cref="TidemarkException">No such database is being replicated, or it cannot be audited just now.</exception>
    /// <exception cref="IOException">It cannot be read, or its spool.</exception>
    /// <exception cref="OperationCanceledException">The replication of the database has ended, or the wait.</exception>
    public Task<AuditStatus> AuditAsync(string databasePath, CancellationToken cancellationToken)
        => _runs.TryGetValue(databasePath, out var run)
            ? run.Worker.AuditAsync().WaitAsync(cancellationToken)
            : throw new TidemarkException($"{databasePath} is not being replicated.", "Give the path as it was given for replication.");

    /// <summary>What the last audit of a database found, from its spool, whoever replicates it.</summary>
    /// <param name="databasePath">Path of the database.</param>
    /// <param name="spoolPath">Its spool; null for the default.</param>
    /// <param name="files">The file system of the spool.</param>
    /// <returns>Null when there was none.</returns>
    /// <exception cref="IOException">The spool cannot be read.</exception>
    public static AuditStatus? ReadLastAudit(string databasePath, string? spoolPath, IFileSystem files)
    {
        ArgumentNullException.ThrowIfNull(databasePath);
        ArgumentNullException.ThrowIfNull(files);
        return AuditFile.TryRead(files, Spool.AuditPathIn(spoolPath ?? Spool.DefaultPath(files, databasePath)))?.Last;
    }

    private ReplicationScope CreateScope(LogLevel maintenanceLevel)
        => new(files, time, _logger, new ReplicationMetrics(GetStatus)) { MaintenanceLevel = maintenanceLevel };

    // Opening makes folders durable, which takes a moment each.
    private async Task OpenAllAsync(ReplicationScope scope, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = ReplicationScope.CapturesAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(databases, options, (database, _) =>
        {
            try
            {
                Open(database, scope, isAdded: false);
            }
            catch (Exception e) when (databases.Count > 1)
            {
                Refuse(database, scope).Note(e);
            }

            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
    }

    private RefusedDatabase Refuse(DatabaseOptions database, ReplicationScope scope)
    {
        var refused = new RefusedDatabase(database, scope);
        return _refused.TryAdd(database.DatabasePath, refused) && !_runs.ContainsKey(database.DatabasePath)
            ? refused
            : throw IsTaken(database.DatabasePath);
    }

    // Of the databases that were refused, those that can be opened now begin their run.
    private void OpenRefused(ReplicationScope scope)
    {
        foreach (var (path, refused) in _refused)
        {
            if (!refused.IsDue)
            {
                continue;
            }

            DatabaseRun run;
            try
            {
                run = Open(refused.Options, scope, isAdded: false);
            }
            catch (Exception e)
            {
                refused.Note(e);
                continue;
            }

            lock (_gate)
            {
                if (_stop is { IsCancellationRequested: false })
                {
                    Start(run);
                    _refused.TryRemove(path, out _);
                }
            }
        }
    }

    private void NoteRefused()
    {
        foreach (var refused in _refused.Values)
        {
            _failures.Enqueue(refused.Failure!);
        }
    }

    private DatabaseRun Open(DatabaseOptions database, ReplicationScope scope, bool isAdded)
    {
        DatabaseRun run;
        try
        {
            run = new DatabaseRun(new DatabaseWorker(database, isAdded || databases.Count == 1, scope), isAdded, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TidemarkException(
                $"{database.DatabasePath}: the spool cannot be opened: {e.Message}",
                OpenFileLimit.IsReached(e)
                    ? OpenFileLimit.Hint
                    : "Check the rights and the free space of the folder, or set another one with meta-path.",
                e);
        }

        if (!_runs.TryAdd(database.DatabasePath, run))
        {
            run.Dispose();
            throw IsTaken(database.DatabasePath);
        }

        return run;
    }

    // Two writers in one replica, or two captures of one database, would each undo what the other does.
    private void ThrowIfTaken(DatabaseOptions database)
    {
        if (_runs.ContainsKey(database.DatabasePath) || _refused.ContainsKey(database.DatabasePath))
        {
            throw IsTaken(database.DatabasePath);
        }

        var taken = _runs.Values.SelectMany(run => run.Worker.Destinations)
            .Concat(_refused.Values.SelectMany(refused => refused.Options.Destinations.Select(store => store.Name)))
            .ToHashSet(StringComparer.Ordinal);
        if (database.Destinations.FirstOrDefault(store => taken.Contains(store.Name)) is { } shared)
        {
            throw new TidemarkException(
                $"{shared.Name} is the destination of another database already.", "Give each database a place of its own.");
        }
    }

    private static TidemarkException IsTaken(string path)
        => new($"{path} is being replicated already.", "Name it once, with several destinations.");

    private void Start(DatabaseRun run)
    {
        var stop = _stop!;
        run.Start(started => ObserveAsync(started, stop), stop.Token, _cutShort);
    }

    private async Task<bool> ObserveAsync(DatabaseRun run, CancellationTokenSource stop)
    {
        await Task.Yield(); // The first step opens the database; it must not hold back the others.
        try
        {
            return await run.Worker.RunAsync(run.Stopping, run.CutShort).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            run.Fail(Log.Reason(e));
            var hasBegun = run.Worker.FirstLook.IsCompletedSuccessfully;
            if (run.IsAdded && !hasBegun)
            {
                return false; // Whoever adds it is told.
            }

            _failures.Enqueue(e);
            if (Log.IsDefect(e))
            {
                _logger.Defect("the run", run.Worker.DatabasePath, e.ToString());
            }

            // When no other database is left either, there is nothing to go on with.
            var isLast = _refused.IsEmpty && _runs.Values.All(other => other.HasFailed);
            if ((hasBegun || !isLast) && run.TakeReminder() is { } reason)
            {
                _logger.ReplicationEnded(run.Worker.DatabasePath, reason);
            }

            if (isLast)
            {
                await stop.CancelAsync().ConfigureAwait(false);
            }

            return false;
        }
    }

    // One timer for all databases. What it finds wakes their loops.
    private async Task SweepAsync(ReplicationScope scope, CancellationToken stopping)
    {
        var opening = Task.CompletedTask;
        var interval = databases.Select(database => database.MonitorInterval).Append(s_sweepIntervalMax).Min();
        try
        {
            while (true)
            {
                await Task.Delay(interval, time, stopping).ConfigureAwait(false);
                var sweep = new Sweep(_runs.Select(pair => pair.Value), _logger);
                var pass = Task.Run(sweep.Run, CancellationToken.None);
                try
                {
                    await pass.WaitAsync(s_sweepPatience, time, stopping).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    _logger.TakesLong(sweep.DatabasePath, "a look from outside", s_sweepPatience.TotalSeconds);
                }

                interval = sweep.Interval < s_sweepIntervalMax ? sweep.Interval : s_sweepIntervalMax;
                if (opening.IsCompleted && !_refused.IsEmpty)
                {
                    opening = Task.Run(() => OpenRefused(scope), CancellationToken.None);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The end follows. What is being opened belongs to it.
            await Task.WhenAny(opening, Task.Delay(s_sweepPatience, time, CancellationToken.None)).ConfigureAwait(false);
        }
    }

    private async Task FinishAsync()
    {
        var results = await Task.WhenAll(_runs.Values.Select(run => run.Completion)).ConfigureAwait(false);
        NoteRefused();
        ThrowIfAnyFailed();
        if (!results.All(isComplete => isComplete))
        {
            throw new TidemarkException(
                "Not everything was captured and shipped before the end.",
                "Start again to ship the rest: it stays in the spool of each database.");
        }
    }

    private void ThrowIfAnyFailed()
    {
        if (_failures.TryPeek(out var failure))
        {
            throw failure is TidemarkException ? failure : new TidemarkException(failure.Message, Log.Hint(failure), failure);
        }
    }

    private void DisposeAll()
    {
        foreach (var (path, run) in _runs)
        {
            if (_runs.TryRemove(new(path, run)))
            {
                run.Dispose();
            }
        }
    }
}
