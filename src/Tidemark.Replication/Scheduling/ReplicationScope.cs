using Microsoft.Extensions.Logging;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Health;

namespace Tidemark.Replication.Scheduling;

/// <summary>What the databases of one run share.</summary>
internal sealed class ReplicationScope(IFileSystem files, TimeProvider time, ILogger logger, ReplicationMetrics metrics) : IDisposable
{
    // Shipping and maintenance mostly wait for stores.
    private const int TransfersAtOnce = 16;

    /// <summary>How many databases are worked on at once: a few more than there are cores, since a capture also waits for the disk.</summary>
    public static int CapturesAtOnce { get; } = Math.Max(4, 2 * Environment.ProcessorCount);

    public IFileSystem Files => files;

    public TimeProvider Time => time;

    public ILogger Logger => logger;

    public ReplicationMetrics Metrics => metrics;

    /// <summary>Spreads repeated tries, so that many databases do not retry in step.</summary>
    public Random Random { get; init; } = Random.Shared;

    /// <summary>The level of events that tell what maintenance wrote or deleted. Who asks for it once sees that it was done; in a run that
    /// lasts it happens all the time.</summary>
    public LogLevel MaintenanceLevel { get; init; } = LogLevel.Debug;

    /// <summary>Notices of changes.</summary>
    public IFileWatch Watch { get; } = files.Watch();

    /// <summary>Bounds captures.</summary>
    public WorkLimit Captures { get; } = new(CapturesAtOnce, time);

    /// <summary>Bounds shipping, and maintenance apart from it, so that neither holds back the other.</summary>
    public WorkLimit Shipping { get; } = new(TransfersAtOnce, time);

    public WorkLimit Maintenance { get; } = new(TransfersAtOnce, time);

    /// <summary>Bounds audits by the clock.</summary>
    public AuditTurn Audits { get; } = new();

    public void Dispose()
    {
        Watch.Dispose();
        metrics.Dispose();
    }
}
