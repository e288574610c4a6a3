using Microsoft.Extensions.Time.Testing;

namespace Tidemark.Simulation;

/// <summary>A clock that somebody sets forward and back, while time itself only goes on.</summary>
internal sealed class WorldClock : TimeProvider
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private TimeSpan _offset;

    /// <summary>The latest time that it ever showed.</summary>
    public DateTimeOffset Latest { get; private set; } = DateTimeOffset.MinValue;

    /// <summary>Whether it was set back, so that times contradict each other.</summary>
    public bool WasSetBack { get; private set; }

    public override long TimestampFrequency => _time.TimestampFrequency;

    public override DateTimeOffset GetUtcNow()
    {
        var now = _time.GetUtcNow() + _offset;
        Latest = now > Latest ? now : Latest;
        return now;
    }

    public override long GetTimestamp() => _time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => _time.CreateTimer(callback, state, dueTime, period);

    public void Advance(TimeSpan time) => _time.Advance(time);

    public void Jump(TimeSpan by)
    {
        _offset += by;
        WasSetBack |= by < TimeSpan.Zero;
    }
}
