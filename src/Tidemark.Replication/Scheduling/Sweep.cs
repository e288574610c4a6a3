using Microsoft.Extensions.Logging;

namespace Tidemark.Replication.Scheduling;

/// <summary>One look at all databases, for what no notice has told of.</summary>
/// <param name="runs">The databases.</param>
/// <param name="logger">Is told of failures.</param>
internal sealed class Sweep(IEnumerable<DatabaseRun> runs, ILogger logger)
{
    private volatile string _databasePath = "";

    /// <summary>How often the database that is to be looked at most often wants it.</summary>
    public TimeSpan Interval { get; private set; } = TimeSpan.MaxValue;

    /// <summary>The database that is being looked at.</summary>
    public string DatabasePath => _databasePath;

    /// <summary>Looks.</summary>
    public void Run()
    {
        foreach (var run in runs)
        {
            _databasePath = run.Worker.DatabasePath;
            Interval = run.Worker.MonitorInterval < Interval ? run.Worker.MonitorInterval : Interval;
            try
            {
                if (!run.HasFailed)
                {
                    run.Sweep();
                }
                else if (run.TakeReminder() is { } reason)
                {
                    logger.ReplicationEnded(run.Worker.DatabasePath, reason);
                }
            }
            catch (Exception e)
            {
                // The others must not miss theirs.
                logger.SweepFailed(run.Worker.DatabasePath, Log.IsDefect(e) ? e.ToString() : Log.Reason(e));
            }
        }
    }
}
