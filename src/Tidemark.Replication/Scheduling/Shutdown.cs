using Tidemark.Formats;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Scheduling;

/// <summary>The end of a database's run: a last capture, a last upload, and a word on what is missing.</summary>
/// <param name="database">The database, which no loop captures any more.</param>
/// <param name="loops">Its destinations, which still ship.</param>
internal sealed class Shutdown(ReplicatedDatabase database, ShippingLoops loops)
{
    private const string NoTimeLeft = "there was no time left.";

    private readonly DatabaseOptions _options = database.Options;
    private readonly ReplicationScope _scope = database.Scope;

    /// <summary>Captures and ships what is left, and closes the database. The last capture comes first, while destinations go on: one that
    /// hangs must not keep the others from what is new.</summary>
    /// <param name="cutShort">Ends it at once.</param>
    /// <returns>True when every destination has everything.</returns>
    public async Task<bool> RunAsync(CancellationToken cutShort)
    {
        if (database.Source.Position is null)
        {
            // The end came before it was known what the destinations hold, which the first TXID has to follow.
            await loops.DrainAsync(_options.ShutdownTimeout).ConfigureAwait(false);
        }

        var obstacle = await CaptureLastAsync(cutShort).ConfigureAwait(false);

        // The guard is given back before the network is waited for.
        obstacle = await CloseAsync(obstacle).ConfigureAwait(false);
        return Report(obstacle, await loops.DrainAsync(_options.ShutdownTimeout).ConfigureAwait(false));
    }

    // In order when nothing stood in the way of the last capture. Whatever happens here, what is captured is shipped. Returns what is in the
    // way of a complete end.
    private async Task<string?> CloseAsync(string? obstacle)
    {
        try
        {
            return await database.CloseAsync(inOrder: obstacle is null).ConfigureAwait(false) is { } change
                ? ForeignChangeText.Describe(change) + "."
                : obstacle;
        }
        catch (Exception e)
        {
            if (Log.IsDefect(e))
            {
                _scope.Logger.Defect("the end", _options.DatabasePath, e.ToString());
            }

            // Once more, and only to give back what is open.
            return obstacle ?? await CloseAsync($"the database could not be closed in order: {Log.Reason(e)}").ConfigureAwait(false);
        }
    }

    // What is only in passing in the way, such as a writer with a long transaction, is waited for like a destination. Returns what stayed
    // in the way, or null.
    private async Task<string?> CaptureLastAsync(CancellationToken cutShort)
    {
        using var end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _scope.Time);
        using var registration = cutShort.Register(end.Cancel);
        if (_options.ShutdownTimeout > TimeSpan.Zero && !end.IsCancellationRequested)
        {
            end.CancelAfter(_options.ShutdownTimeout);
        }

        string? obstacle = null;
        var reports = new FailureReports(_scope.Time);
        try
        {
            while (true)
            {
                try
                {
                    return await TryCaptureLastAsync(end.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    database.Health.NoteFailure(e);
                    obstacle = Log.Reason(e);
                    if (Log.IsDefect(e))
                    {
                        _scope.Logger.Defect("the last capture", _options.DatabasePath, e.ToString());
                    }

                    // A spool without room has some again when destinations have got what is in it, which goes on meanwhile.
                    if (e is IOException)
                    {
                        database.Upkeep.MakeRoom();
                    }

                    if (e is not (TidemarkException { IsTransient: true } or IOException) || _options.ShutdownTimeout <= TimeSpan.Zero)
                    {
                        return obstacle;
                    }

                    if (reports.IsDue(obstacle))
                    {
                        _scope.Logger.CaptureFailed(_options.DatabasePath, _options.ShutdownRetryInterval.TotalMilliseconds, obstacle);
                    }
                }

                await Task.Delay(_options.ShutdownRetryInterval, _scope.Time, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            return obstacle ?? NoTimeLeft;
        }
    }

    private async Task<string?> TryCaptureLastAsync(CancellationToken end)
    {
        using var place = await _scope.Captures.EnterAsync(end).ConfigureAwait(false);
        await database.Steps.WaitAsync(end).ConfigureAwait(false);
        try
        {
            database.TakeHeads();
            if (database.Source.Position is null && !database.Destinations.All(destination => destination.IsReconciled))
            {
                return "it is not known what all destinations hold, which the first TXID has to follow.";
            }

            var last = await database.CaptureAsync(end).ConfigureAwait(false);
            database.Images.TryWrite();
            return last.HasMore ? NoTimeLeft : null;
        }
        finally
        {
            database.Steps.Release();
        }
    }

    private string? ReasonWithoutImage(DestinationWorker destination)
        => destination.WantedImage is not null && database.Images.Failure is { } reason
            ? $"the spool cannot take the image that it needs: {reason}" : null;

    private bool Report(string? obstacle, bool[] shipped)
    {
        var txid = database.Source.Position?.Txid ?? Txid.None;
        if (obstacle is not null)
        {
            _scope.Logger.LastCaptureMissing(_options.DatabasePath, txid, obstacle);
        }

        foreach (var (destination, _) in database.Destinations.Zip(shipped).Where(pair => !pair.Second))
        {
            var status = destination.GetStatus();
            _scope.Logger.NotShipped(
                _options.DatabasePath,
                destination.Store.Name,
                destination.Shipped,
                txid,
                database.Source.Spool.Path,
                (status.Failure ?? status.MaintenanceFailure)?.Reason ?? ReasonWithoutImage(destination) ?? NoTimeLeft);
        }

        var isComplete = obstacle is null && shipped.All(done => done);
        if (isComplete && !txid.IsNone)
        {
            _scope.Logger.Stopped(_options.DatabasePath, txid);
        }

        return isComplete;
    }
}
