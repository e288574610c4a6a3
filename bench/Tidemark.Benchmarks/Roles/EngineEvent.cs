using System.Globalization;

namespace Tidemark.Benchmarks.Roles;

/// <summary>An event of the replicator in a child process, as one line of its output. The clock is the same in all processes of the
/// machine.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Timestamp">When, by the system's <see cref="TimeProvider.GetTimestamp"/>.</param>
/// <param name="WriteLockMs">For a checkpoint, how long it held the write lock; zero when it only drained.</param>
internal readonly record struct EngineEvent(EngineEventKind Kind, long Timestamp, double WriteLockMs)
{
    private const string Label = "event";

    public static EngineEvent? TryParse(string line)
        => line.Split(' ') is [Label, var kind, var timestamp, var writeLockMs]
            ? new EngineEvent(
                Enum.Parse<EngineEventKind>(kind),
                long.Parse(timestamp, CultureInfo.InvariantCulture),
                double.Parse(writeLockMs, CultureInfo.InvariantCulture))
            : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Label} {Kind} {Timestamp} {WriteLockMs:R}");
}
