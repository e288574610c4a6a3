using Tidemark.Formats;
using Tidemark.Replication.Health;

namespace Tidemark.Replication.Scheduling;

/// <summary>A database of several that cannot be opened yet: a missing right, a link that leads nowhere, a spool that cannot be made. It is
/// tried again, so that the others go on and nobody believes that this one is replicated.</summary>
/// <remarks>Told by one thread; asked from any.</remarks>
/// <param name="options">The database.</param>
/// <param name="scope">What the run shares.</param>
internal sealed class RefusedDatabase(DatabaseOptions options, ReplicationScope scope)
{
    private static readonly TimeSpan s_delayMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromMinutes(1);

    private readonly BackOff _backOff = new(s_delayMin, s_delayMax, scope.Random);
    private readonly FailureReports _reports = new(scope.Time);
    private (long Since, TimeSpan Delay) _pause;
    private volatile FailureStatus? _status;

    public DatabaseOptions Options => options;

    /// <summary>Why it was refused the last time.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether it is time to try again.</summary>
    public bool IsDue => scope.Time.GetElapsedTime(_pause.Since) >= _pause.Delay;

    /// <summary>It was refused. Logged at once, and now and then as long as it lasts.</summary>
    public void Note(Exception failure)
    {
        var reason = Log.Reason(failure);
        Failure = failure;
        _pause = (scope.Time.GetTimestamp(), _backOff.Next());
        _status = new FailureStatus(scope.Time.GetUtcNow(), reason);
        scope.Metrics.CaptureFailed(options.DatabasePath);
        if (_reports.IsDue(reason))
        {
            scope.Logger.DatabaseRefused(options.DatabasePath, _pause.Delay.TotalMilliseconds, reason);
            if (Log.IsDefect(failure))
            {
                scope.Logger.Defect("the beginning", options.DatabasePath, failure.ToString());
            }
        }
    }

    /// <summary>How it stands.</summary>
    public DatabaseStatus GetStatus() => new()
    {
        DatabasePath = options.DatabasePath,
        State = DatabaseState.Failing,
        Captured = Txid.None,
        Failure = _status,
        WalBytes = 0,
        SpoolBytes = 0,
        Destinations = [],
    };
}
