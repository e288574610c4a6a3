using System.Globalization;
using Tidemark.Formats;
using Tidemark.Replication.Audit;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Scheduling;

/// <summary>Captures and ships everything of one database once, and does what else is asked for.</summary>
/// <remarks>One destination that fails holds back no other. What still fails when all is done is thrown at the end.</remarks>
/// <param name="database">The database.</param>
/// <param name="once">What is done beside capturing and shipping.</param>
internal sealed class OnceRun(ReplicatedDatabase database, OnceOptions once)
{
    private const int CaptureAttemptsMax = 10;

    private readonly List<Exception> _failures = [];
    private readonly DatabaseOptions _options = database.Options;
    private readonly ReplicationScope _scope = database.Scope;

    /// <summary>Does it.</summary>
    /// <exception cref="TidemarkException">Something could not be captured or shipped.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await ShipAsync(cancellationToken).ConfigureAwait(false);
        if (database.Source.Position is null && !database.Destinations.Any(destination => destination.IsReconciled))
        {
            throw Combine();
        }

        database.TakeHeads();
        await CaptureAsync(cancellationToken).ConfigureAwait(false);
        var different = once.Audits ? await AuditAsync(cancellationToken).ConfigureAwait(false) : null;
        await ShipAndMaintainAsync(cancellationToken).ConfigureAwait(false);
        if (database.Destinations.Any(destination => destination.Requested is not null || (destination.IsReconciled && !destination.HasAll)))
        {
            // What is damaged there can only be mended by an image of the database; then it goes on. One that has answered late may be
            // ahead, and is what the next capture takes as its base.
            database.TakeHeads();
            await CaptureAsync(cancellationToken).ConfigureAwait(false);
            await ShipAndMaintainAsync(cancellationToken).ConfigureAwait(false);
        }

        foreach (var destination in database.Destinations)
        {
            destination.Remember();
            await destination.ReleaseAsync(cancellationToken).ConfigureAwait(false);
        }

        if (await database.EndInOrderAsync().ConfigureAwait(false) is { } change)
        {
            throw new ForeignChangeException(_options.DatabasePath, change);
        }

        var txid = database.Source.Position!.Txid;
        if (_failures.Count == 0)
        {
            _failures.AddRange(database.Destinations.Select(destination => FindLack(destination, txid)).OfType<Exception>());
        }

        if (_failures.Count > 0)
        {
            throw Combine();
        }

        if (different is not null)
        {
            throw different;
        }

        database.Upkeep.DeleteDelivered();
        _scope.Logger.Stopped(_options.DatabasePath, txid);
    }

    // Pages that differ are captured before anything is shipped. Returns what is to be told of them when all is done, or null.
    private async Task<TidemarkException?> AuditAsync(CancellationToken cancellationToken)
    {
        if (database.Source.Live is null && database.Source.TryOpen())
        {
            await CaptureAsync(cancellationToken).ConfigureAwait(false); // It was as an orderly end had left it, and was not opened.
        }

        for (var attempt = 1; ;)
        {
            var piece = database.Audits.Run();
            switch (piece.Outcome)
            {
                case AuditStepOutcome.Equal:
                    return null;
                case AuditStepOutcome.Different:
                    await CaptureAsync(cancellationToken).ConfigureAwait(false);
                    return new TidemarkException(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{_options.DatabasePath}: {piece.DifferentPages} pages were not what was captured up to TXID {piece.Txid}."),
                        $"They are captured now, as TXID {database.Source.Position!.Txid}. Run: PRAGMA integrity_check");
                case AuditStepOutcome.NotNow:
                    if (attempt++ == CaptureAttemptsMax)
                    {
                        throw new TidemarkException(
                            $"{_options.DatabasePath}: cannot be audited just now.", "Run the command again, when the application is quiet.");
                    }

                    await Task.Delay(_options.ShutdownRetryInterval, _scope.Time, cancellationToken).ConfigureAwait(false);
                    await CaptureAsync(cancellationToken).ConfigureAwait(false);
                    break;
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async Task ShipAndMaintainAsync(CancellationToken cancellationToken)
    {
        await ShipAsync(cancellationToken).ConfigureAwait(false);
        if (database.Images.IsWanted)
        {
            database.Images.Write();
            await ShipAsync(cancellationToken).ConfigureAwait(false);
        }

        foreach (var destination in database.Destinations.Where(destination => destination.HasAll))
        {
            await AttemptAsync(() => destination.MaintainOnceAsync(once, cancellationToken)).ConfigureAwait(false);
        }
    }

    // What failed before is tried again here, and counts no more.
    private async Task ShipAsync(CancellationToken cancellationToken)
    {
        _failures.Clear();
        foreach (var destination in database.Destinations)
        {
            await AttemptAsync(() => destination.ShipAllAsync(CancellationToken.None, cancellationToken)).ConfigureAwait(false);
        }
    }

    // What is only in passing in the way, such as a writer with a long transaction, is waited for a little.
    private async Task CaptureAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if ((await database.CaptureAsync(cancellationToken).ConfigureAwait(false)).Outcome == CaptureOutcome.NoDatabase)
                {
                    throw _scope.Files.TryGetFacts(_options.DatabasePath) is { SizeBytes: 0 }
                        ? new DatabaseException(
                            $"{_options.DatabasePath}: the file is empty, so there is no database in it.",
                            "Restore it if it was lost, or start the application that creates it first.")
                        : new DatabaseException(
                            $"{_options.DatabasePath}: there is no database.",
                            "Check the path, or start the application that creates it first.");
                }

                return;
            }
            catch (TidemarkException e) when (e.IsTransient && attempt < CaptureAttemptsMax)
            {
                _scope.Logger.CaptureFailed(
                    _options.DatabasePath, _options.ShutdownRetryInterval.TotalMilliseconds, Log.Reason(e));
            }

            await Task.Delay(_options.ShutdownRetryInterval, _scope.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static TidemarkException? FindLack(DestinationWorker destination, Txid txid)
    {
        const string Hint = "Run the command again.";
        return destination switch
        {
            { HasAll: false } => new TidemarkException($"{destination.Store.Name}: what lies there does not lead to TXID {txid} yet.", Hint),
            { Requested: not null } => new TidemarkException(
                $"{destination.Store.Name}: files are damaged there, and the image that mends them is not shipped yet.", Hint),
            _ => null,
        };
    }

    private async Task AttemptAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _failures.Add(e);
            if (Log.IsDefect(e))
            {
                _scope.Logger.Defect("shipping", _options.DatabasePath, e.ToString());
            }
        }
    }

    private TidemarkException Combine()
    {
        var different = _failures.DistinctBy(failure => failure.Message).ToArray();
        return different is [TidemarkException only]
            ? only
            : new TidemarkException(string.Join(' ', different.Select(Log.Reason)), null, different[0]);
    }
}
