namespace Tidemark.Replication.Scheduling;

/// <summary>Wakes one waiting loop. Setting it while nobody waits is remembered once. Thread-safe.</summary>
internal sealed class WakeSignal
{
    private TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Wakes the loop.</summary>
    public void Set() => Volatile.Read(ref _source).TrySetResult();

    /// <summary>Waits for <see cref="Set"/>. Without a timer, so that who rests costs nothing.</summary>
    public ValueTask WaitAsync(CancellationToken cancellationToken) => WaitAsync(null, TimeProvider.System, cancellationToken);

    /// <summary>Waits for <see cref="Set"/>, or until the time is over.</summary>
    /// <param name="timeout">The time, or null for no end; then no timer is used.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask WaitAsync(TimeSpan? timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await Volatile.Read(ref _source).Task
                .WaitAsync(timeout ?? Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return;
        }

        // What is set again before this line is seen by the work that follows, so it needs no memory of its own.
        Volatile.Write(ref _source, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}
