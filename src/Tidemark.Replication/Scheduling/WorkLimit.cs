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

    private readonly SemaphoreSlim _free = new(concurrency);

    /// <summary>Waits for a place, in the order of the calls. Disposing the result gives it back.</summary>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Place(this, time);
    }

    private sealed class Place : IDisposable
    {
        private readonly ITimer _patience;
        private WorkLimit? _owner;

        public Place(WorkLimit owner, TimeProvider time)
        {
            _owner = owner;
            _patience = time.CreateTimer(static place => ((Place)place!).GiveBack(), this, s_patience, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            _patience.Dispose();
            GiveBack();
        }

        private void GiveBack() => Interlocked.Exchange(ref _owner, null)?._free.Release();
    }
}
