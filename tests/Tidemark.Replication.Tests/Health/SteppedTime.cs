using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Tidemark.Replication.Tests.Health;

/// <summary>A clock that moves only when the test says so, and no faster than a run sweeps.</summary>
internal sealed class SteppedTime : FakeTimeProvider
{
    private static readonly TimeSpan s_stepOfSweep = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private TaskCompletionSource _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Moves the clock, and waits until somebody waits for it again.</summary>
    public async Task AdvanceAsync(TimeSpan step)
    {
        Task armed;
        lock (_gate)
        {
            _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            armed = _armed.Task;
        }

        Advance(step);
        await armed.WaitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Moves the clock by a second a time until something has happened.</summary>
    public async Task AdvanceUntilAsync(Func<bool> hasHappened)
    {
        while (!hasHappened())
        {
            await AdvanceAsync(s_stepOfSweep);
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        lock (_gate)
        {
            _armed.TrySetResult();
        }

        return timer;
    }
}
