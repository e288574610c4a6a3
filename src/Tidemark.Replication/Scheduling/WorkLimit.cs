namespace Tidemark.Replication.Scheduling;

/// <summary>Bounds how many databases are worked on at once. Thread-safe.</summary>
/// <remarks>
/// Work that takes longer than a while goes on, but stops counting: a store that hangs, or a database behind a lock, must not keep the
/// others waiting.
/// </remarks>
/// <param name="concurrency">How many may work at once, at least 1.</param>
/// <param name="time">The clock.</param>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody asks for holds nothing that must be given back.
internal sealed class WorkLimit(int concurrency, TimeProvider time)
#pragma warning restore CA1001
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_toldAfter = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _free = new(concurrency);

    /// <summary>Waits for a place, in the order of the calls. Disposing the result gives it back.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="takesLong">Is told once for how long the place has been held, when that is long.</param>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken, Action<TimeSpan>? takesLong = null)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Place(this, time, takesLong);
    }

    private sealed class Place : IDisposable
    {
        private readonly ITimer? _patience; // A timer may go off before it is known here.
        private readonly Action<TimeSpan>? _takesLong;
        private WorkLimit? _owner;
        private int _timers;
        private volatile bool _isDisposed;

        public Place(WorkLimit owner, TimeProvider time, Action<TimeSpan>? takesLong)
        {
            (_owner, _takesLong) = (owner, takesLong);
            _patience = time.CreateTimer(static place => ((Place)place!).OnTimer(), this, s_patience, s_toldAfter - s_patience);
        }

        public void Dispose()
        {
            _isDisposed = true;
            _patience?.Dispose();
            GiveBack();
        }

        // First the place stops counting, then it is told of, and then there is nothing more to do.
        private void OnTimer()
        {
            GiveBack();
            if (!_isDisposed && Interlocked.Increment(ref _timers) == 2)
            {
                _patience?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _takesLong?.Invoke(s_toldAfter);
            }
        }

        private void GiveBack() => Interlocked.Exchange(ref _owner, null)?._free.Release();
    }
}
