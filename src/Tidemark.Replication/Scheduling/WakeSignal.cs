namespace Tidemark.Replication.Scheduling;

/// <summary>Wakes one waiting loop. Setting it while nobody waits is remembered once. Thread-safe.</summary>
internal sealed class WakeSignal
{
    private TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Wakes the loop.</summary>
    public void Set() => Volatile.Read(ref _source).TrySetResult();

    /// <summary>Waits for <see cref="Set"/>. Without a timer, so that who rests costs nothing.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        await Volatile.Read(ref _source).Task.WaitAsync(cancellationToken).ConfigureAwait(false);

        // What is set again before this line is seen by the work that follows, so it needs no memory of its own.
        Volatile.Write(ref _source, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}
