namespace Tidemark.Testing;

/// <summary>The clock of the system, on which every wait is over at once.</summary>
public sealed class ImpatientTime : TimeProvider
{
    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.Zero : dueTime, period);
}
