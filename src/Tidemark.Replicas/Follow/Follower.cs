using System.Runtime.CompilerServices;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Follow;

/// <summary>Keeps a database up to date with a replica.</summary>
/// <remarks>
/// <para>Others may read the database with SQLite at any time, also with connections that stay open, and see one state or the next, never
/// a mixture. Nobody may write to it: what others write is overwritten.</para>
/// <para>A store that tells of new files (<see cref="IReplicaChangeSource"/>) is listed as soon as it does, any other once in an
/// interval.</para>
/// <para>Runs on Linux. Thread-safe: it has no state. Only one follower can follow into a database at a time: a second one is
/// refused.</para>
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="files">Where the database lies.</param>
/// <param name="time">The clock.</param>
public sealed class Follower(IReplicaStore store, IFileSystem files, TimeProvider time)
{
    /// <summary>Follows until it is cancelled or fails for good, and gives each state when it has been reached.</summary>
    /// <remarks>
    /// <para>The first state comes when the database was restored or found to be resumable. Rounds without news give nothing.</para>
    /// <para>A failure that passes by itself is told to <see cref="FollowOptions.OnFailure"/>, and it is tried again. So is, where the
    /// database has a state of the replica, what somebody can mend at the replica: damaged or missing files, or a disk that is not mounted.
    /// The database keeps its state meanwhile.</para>
    /// </remarks>
    /// <param name="options">Which database, and how.</param>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/>. A batch that is being written is finished
    /// first.</param>
    /// <exception cref="FollowException">The database may not be touched or cannot be written, or another one follows into it.</exception>
    /// <exception cref="RestoreOutputException">The restored database cannot be put where it should go.</exception>
    /// <exception cref="TidemarkException">There is no database yet, and it cannot be restored; the exceptions of
    /// <see cref="FollowStep.RunAsync"/>.</exception>
    public async IAsyncEnumerable<FollowPosition> FollowAsync(
        FollowOptions options, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Interval, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Parallelism, 1, nameof(options));
        using var held = new FollowFiles(files, options.OutputPath).Lock();
        using var watch = (store as IReplicaChangeSource)?.Watch(Level.Captured);
        using var step = new FollowStep(store, files, time, options);
        var failures = 0;
        while (true)
        {
            var change = watch?.NextAsync(); // Before it looks: what comes meanwhile is not missed.
            var (position, failure) = await TryAsync(step, cancellationToken).ConfigureAwait(false);
            var pause = options.Interval;
            if (failure is not null)
            {
                pause = DelayAfter(++failures, options);
                options.OnFailure?.Invoke(new FollowFailure(failure, failures, pause));
            }
            else if (failures > 0)
            {
                options.OnRecovery?.Invoke(failures);
                failures = 0;
            }

            if (position is { Outcome: not FollowOutcome.Idle })
            {
                yield return position;
            }

            if (position is not { HasMore: true })
            {
                // A failure is not over because somebody goes on writing.
                await PauseAsync(failure is null ? change : null, pause, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async ValueTask<(FollowPosition? Position, TidemarkException? Failure)> TryAsync(
        FollowStep step, CancellationToken cancellationToken)
    {
        try
        {
            return (await step.RunAsync(cancellationToken).ConfigureAwait(false), null);
        }
        catch (TidemarkException e) when (e.IsTransient || (step.HasFoundState && e is not (FollowException or RestoreOutputException)))
        {
            return (null, e);
        }
    }

    /// <summary>Waits until something may have changed, but not for longer than the pause.</summary>
    private async ValueTask PauseAsync(Task? change, TimeSpan pause, CancellationToken cancellationToken)
    {
        if (change is null)
        {
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            return;
        }

        await change.WaitAsync(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static TimeSpan DelayAfter(int failures, FollowOptions options)
    {
        var doubled = options.Interval * Math.Pow(2, Math.Min(failures - 1, 30));
        return doubled < options.RetryIntervalMax ? doubled : options.RetryIntervalMax;
    }
}
