namespace Tidemark.Replication.Scheduling;

/// <summary>Wakes one waiting loop. Setting it while nobody waits is remembered once. Thread-safe.</summary>
internal sealed class WakeSignal
{
    private TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Wakes the loop.</summary>
    public void Set() => Volatile.Read(ref _source).TrySetResult();

    /// <summary>Waits for <see cref="Set"/> or until the time is over; true if it was set.</summary>
    public async ValueTask<bool> WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await Volatile.Read(ref _source).Task.WaitAsync(timeout, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }

        // What is set again before this line is seen by the work that follows, so it needs no memory of its own.
        Volatile.Write(ref _source, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        return true;
    }
}
