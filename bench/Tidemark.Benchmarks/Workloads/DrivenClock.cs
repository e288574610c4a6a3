using Microsoft.Extensions.Time.Testing;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>A clock that passes as fast as the replicator looks at it: days in seconds.</summary>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody asks for holds nothing that must be given back.
internal sealed class DrivenClock : FakeTimeProvider
#pragma warning restore CA1001
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(1);

    private readonly SemaphoreSlim _timers = new(0);

    public DrivenClock()
        : base(System.GetUtcNow())
    {
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            _timers.Release();
        }

        return timer;
    }

    /// <summary>Lets time pass, by one interval of the replicator's sweep after the other. Each is over when it waits for the next.</summary>
    public async Task PassAsync(TimeSpan duration, TimeSpan sweepInterval)
    {
        for (var passed = TimeSpan.Zero; passed < duration; passed += sweepInterval)
        {
            while (_timers.Wait(0, CancellationToken.None))
            {
                // Timers of work that is underway beside the sweep.
            }

            Advance(sweepInterval);
            if (!await _timers.WaitAsync(s_patience))
            {
                throw new InvalidOperationException("The replicator waits for no timer any more.");
            }
        }
    }

    /// <summary>Lets time pass, about as fast as it does, until something has ended.</summary>
    public async Task PassUntilAsync(Task running)
    {
        while (!running.IsCompleted)
        {
            Advance(s_tick);
            Pause.For(s_tick);
        }

        await running;
    }
}
