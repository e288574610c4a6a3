namespace Tidemark.Replication.Scheduling;

/// <summary>The replication of one database while it runs: begun once, and ended with all others or alone.</summary>
/// <param name="worker">Does the work.</param>
/// <param name="isAdded">Whether the database was added to a run that was underway.</param>
internal sealed class DatabaseRun(DatabaseWorker worker, bool isAdded) : IDisposable
{
    private CancellationTokenSource? _stop;
    private CancellationTokenSource? _cutShort;

    public DatabaseWorker Worker => worker;

    public bool IsAdded => isAdded;

    /// <summary>Begins the shutdown of this database.</summary>
    public CancellationToken Stopping => _stop!.Token;

    /// <summary>Ends the shutdown of this database.</summary>
    public CancellationToken CutShort => _cutShort!.Token;

    /// <summary>Whether it has ended because the database cannot be replicated any more.</summary>
    public bool HasFailed { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>Ends with the run of the database; true when every destination has everything. Does not fail.</summary>
    public Task<bool> Completion { get; private set; } = Task.FromResult(true);

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
