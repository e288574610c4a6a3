using Microsoft.Extensions.Logging;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Formats;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Cli.Commands;

/// <summary>The work of <c>restore -f</c>: follows until a signal, the end of the child, or a failure that does not pass.</summary>
/// <param name="stores">The destinations of the database; one of them is followed.</param>
/// <param name="options">Which database, and how. What is told of failures and progress is set here.</param>
/// <param name="exec">The words of the command that runs beside, from the first state on. Null for none.</param>
/// <param name="logger">Is told of every state.</param>
/// <param name="host">The world.</param>
internal sealed class FollowRun(
    IReadOnlyList<IReplicaStore> stores, FollowOptions options, IReadOnlyList<string>? exec, ILogger logger, CommandHost host)
{
    /// <summary>Follows.</summary>
    /// <remarks>Until there is a child, a signal ends this. After that the child gets the signals, and its end ends this.</remarks>
    /// <returns>The exit code: the child's if there was one.</returns>
    /// <exception cref="OperationCanceledException">A signal came before the first state was reached.</exception>
    /// <exception cref="TidemarkException">Following has failed for good. The child has ended.</exception>
    public async Task<int> RunAsync(Interruption interruption)
    {
        var store = await ChooseAsync(interruption.Stopping);
        logger.Following(store.Name, options.OutputPath);
        try
        {
            return await FollowAsync(store, interruption);
        }
        catch (NoMatchingBackupException)
        {
            await ThrowIfLegacyAsync(interruption.Stopping);
            throw; // It tells what there is in place of a replica.
        }
    }

    private async ValueTask ThrowIfLegacyAsync(CancellationToken cancellationToken)
    {
        foreach (var store in stores)
        {
            if (store is ILegacyReplicaSource legacy && await legacy.ListLegacyAsync(cancellationToken) is { Count: > 0 })
            {
                throw new TidemarkException(
                    $"cannot follow {store.Name}: it is a replica of Litestream 0.3",
                    "Restore it without -f, or replicate to it with Tidemark.");
            }
        }
    }

    private string Explain(FollowReason reason) => reason switch
    {
        FollowReason.HistoryPruned => "the files that continue its state are no longer in the replica",
        FollowReason.ReplicaIsBehind => "the replica ends before its state, so it was replaced or put back",
        FollowReason.OtherHistory => "the replica holds another history",
        FollowReason.OutputChanged => "somebody else has changed it",
        FollowReason.Unproven => $"nothing proves that it was the state that {options.OutputPath}-txid tells",
        FollowReason.RecordDamaged => $"{options.OutputPath}-follow is damaged, and nothing else proves which state it was",
        FollowReason.PageSizeChanged => "the source has pages of another size now",
        FollowReason.FileDamaged => "a file that continues its state is damaged",
        _ => throw new InvalidOperationException($"{reason} is no reason to restore again."),
    };

    private async Task<int> FollowAsync(IReplicaStore store, Interruption interruption)
    {
        using var stopping = new CancellationTokenSource();
        using var progress = host.IsErrorTerminal ? new ProgressLine(host.Error, host.Time) : null;
        var signals = interruption.Stopping.Register(stopping.Cancel);
        var follower = new Follower(store, host.Files, host.Time);
        var told = options with
        {
            OnFailure = Report,
            OnRecovery = logger.FollowRecovered,
            OnDamagedFile = file => logger.FilePassedOver(file.Failure.Message),
            Progress = progress,
        };
        var states = follower.FollowAsync(told, stopping.Token);
        ChildProcess? child = null;
        var insistence = default(CancellationTokenRegistration);
        var childEnd = Task.FromResult(ExitCode.Done);
        var hasState = false;
        try
        {
            await foreach (var position in states)
            {
                progress?.Dispose();
                Report(position);
                hasState = true;
                if (exec is not null && child is null)
                {
                    signals.Dispose(); // From here on they are the child's.
                    stopping.Token.ThrowIfCancellationRequested();
                    child = ChildProcess.Start(exec);
                    interruption.LeaveToChild();
                    insistence = interruption.CutShort.Register(() => _ = child.KillAfterAsync(ChildProcess.InsistedGrace, host.Time));
                    logger.ChildStarted(exec[0], child.Id);
                    childEnd = StopAfterAsync(child, interruption, stopping);
                    if (interruption.Stopping.IsCancellationRequested && !child.HasGotSignal)
                    {
                        await stopping.CancelAsync(); // It came between the two, and ends the loop, which ends the child.
                    }
                }
            }
        }
        catch (OperationCanceledException) when (hasState && stopping.IsCancellationRequested)
        {
        }
        catch (TidemarkException e) when (child is not null)
        {
            logger.FollowingFailed(e.Message); // Before the child ends, which may take its time.
            throw;
        }
        finally
        {
            signals.Dispose();
            if (child is not null)
            {
                await child.StopAsync(ChildProcess.Grace, host.Time);
                logger.ChildEnded(exec![0], await childEnd);
                await insistence.DisposeAsync();
                child.Dispose();
            }
        }

        logger.FollowingStopped(options.OutputPath);
        return await childEnd;
    }

    private static async Task<int> StopAfterAsync(ChildProcess child, Interruption interruption, CancellationTokenSource stopping)
    {
        var exitCode = await child.WaitAsync();
        interruption.TakeBack();
        await stopping.CancelAsync();
        return exitCode;
    }

    private void Report(FollowFailure failure)
        => logger.FollowFailed(ElapsedTime.Format(failure.RetryIn), failure.Consecutive, $"{failure.Error.Message} {failure.Error.Hint}".TrimEnd());

    private void Report(FollowPosition position)
    {
        switch (position.Outcome)
        {
            case FollowOutcome.Restored:
                logger.FollowRestored(options.OutputPath, position.Txid.ToString(), position.Pages * (long)position.PageSize.Bytes,
                    Log.Proof(position.IsProven));
                break;
            case FollowOutcome.Resumed:
                logger.FollowResumed(options.OutputPath, position.Txid.ToString());
                break;
            case FollowOutcome.Applied:
                logger.FollowApplied(options.OutputPath, position.Previous.ToString(), position.Txid.ToString(), position.PagesWritten,
                    position.FileCount);
                break;
            case FollowOutcome.RestoredAgain:
                logger.FollowRestoredAgain(options.OutputPath, position.Txid.ToString(), Explain(position.Reason));
                break;
        }
    }

    /// <summary>Chooses the destination that reaches furthest; the first one if none can be read now.</summary>
    private async Task<IReplicaStore> ChooseAsync(CancellationToken cancellationToken)
    {
        if (stores is [var only])
        {
            return only; // The follower waits for it if it is away.
        }

        var (furthest, reached) = (stores[0], Txid.None);
        foreach (var store in stores)
        {
            try
            {
                var files = await ReplicaListing.ReadAllAsync(store, cancellationToken);
                var newest = files.Select(file => file.MaxTxid).DefaultIfEmpty(Txid.None).Max();
                (furthest, reached) = newest > reached ? (store, newest) : (furthest, reached);
            }
            catch (TidemarkException e)
            {
                logger.ReplicaPassedOver(store.Name, e.Message);
            }
        }

        return furthest;
    }
}
