namespace Tidemark.Replication.Scheduling;

/// <summary>The replication of one database while it runs: begun once, and ended with all others or alone.</summary>
/// <param name="worker">Does the work.</param>
/// <param name="isAdded">Whether the database was added to a run that was underway.</param>
/// <param name="time">The clock.</param>
internal sealed class DatabaseRun(DatabaseWorker worker, bool isAdded, TimeProvider time) : IDisposable
{
    private readonly FailureReports _reports = new(time);
    private volatile string? _failure;
    private int _isSwept;
    private CancellationTokenSource? _stop;
    private CancellationTokenSource? _cutShort;

    public DatabaseWorker Worker => worker;

    public bool IsAdded => isAdded;

    /// <summary>Begins the shutdown of this database.</summary>
    public CancellationToken Stopping => _stop!.Token;

    /// <summary>Ends the shutdown of this database.</summary>
    public CancellationToken CutShort => _cutShort!.Token;

    /// <summary>Whether it has ended because the database cannot be replicated any more.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>Ends with the run of the database; true when every destination has everything. Does not fail.</summary>
    public Task<bool> Completion { get; private set; } = Task.FromResult(true);

    /// <summary>It has ended because the database cannot be replicated any more.</summary>
    public void Fail(string reason) => _failure = reason;

    /// <summary>Why it has failed, when that is worth a line in the log: at once, and now and then as long as it lasts.</summary>
    public string? TakeReminder()
    {
        lock (_reports)
        {
            return _failure is { } failure && _reports.IsDue(failure) ? failure : null;
        }
    }

    /// <summary>See <see cref="DatabaseWorker.Sweep"/>. Does nothing while an earlier call has not come back.</summary>
    public void Sweep()
    {
        if (Interlocked.Exchange(ref _isSwept, 1) == 0)
        {
            try
            {
                worker.Sweep();
            }
            finally
            {
                Volatile.Write(ref _isSwept, 0);
            }
        }
    }

    /// <summary>Begins the run.</summary>
    /// <param name="run">Runs the worker.</param>
    /// <param name="stopping">Begins the shutdown of all databases.</param>
    /// <param name="cutShort">Ends the shutdown of all databases.</param>
    public void Start(Func<DatabaseRun, Task<bool>> run, CancellationToken stopping, CancellationToken cutShort)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _cutShort = CancellationTokenSource.CreateLinkedTokenSource(cutShort);
        Completion = run(this);
    }

    /// <summary>Ends this database alone.</summary>
    public async Task<bool> StopAsync(CancellationToken cutShort)
    {
        var registration = cutShort.Register(static source => ((CancellationTokenSource)source!).Cancel(), _cutShort);
        await using (registration.ConfigureAwait(false))
        {
            await _stop!.CancelAsync().ConfigureAwait(false);
            return await Completion.ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        worker.Dispose();
        _stop?.Dispose();
        _cutShort?.Dispose();
    }
}
