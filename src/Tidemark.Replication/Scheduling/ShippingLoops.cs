namespace Tidemark.Replication.Scheduling;

/// <summary>The loops of a database's destinations, from their start to their last upload.</summary>
internal sealed class ShippingLoops : IDisposable
{
    private readonly IReadOnlyList<DestinationWorker> _destinations;
    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenRegistration _registration;
    private readonly Task[] _loops;

    /// <summary>Starts them.</summary>
    /// <param name="destinations">The destinations.</param>
    /// <param name="whenOneEnds">Called after one has ended, for good or in the end.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cutShort">Ends all shipping at once.</param>
    public ShippingLoops(
        IReadOnlyList<DestinationWorker> destinations, Action whenOneEnds, TimeProvider time, CancellationToken cutShort)
    {
        _destinations = destinations;
        _deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _registration = cutShort.Register(_deadline.Cancel);
        _loops = [.. destinations.Select(destination => destination.RunAsync(_ending.Token, _deadline.Token))];
        foreach (var loop in _loops)
        {
            _ = loop.ContinueWith(
                _ => whenOneEnds(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>Throws why the first one has ended, if all have ended for good.</summary>
    /// <exception cref="Replicas.Leases.ReplicaConflictException">Nothing more may be shipped anywhere.</exception>
    public async ValueTask ThrowIfAllFailedAsync()
    {
        if (_loops.Length > 0 && _loops.All(loop => loop.IsFaulted))
        {
            await _loops[0].ConfigureAwait(false);
        }
    }

    /// <summary>Ends them without a last upload.</summary>
    public async Task AbortAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _deadline.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends them, and ships what is left: each destination for itself.</summary>
    /// <param name="timeout">For how long that is tried; zero: once.</param>
    /// <returns>For each destination whether it has everything.</returns>
    public async Task<bool[]> DrainAsync(TimeSpan timeout)
    {
        if (timeout > TimeSpan.Zero && !_deadline.IsCancellationRequested)
        {
            _deadline.CancelAfter(timeout);
        }

        await _ending.CancelAsync().ConfigureAwait(false);
        return await Task.WhenAll(_destinations.Select(async (destination, number) =>
        {
            await _loops[number].ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return await destination.DrainAsync(_deadline.Token).ConfigureAwait(false);
        })).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _registration.Dispose();
        _deadline.Dispose();
        _ending.Dispose();
    }
}
