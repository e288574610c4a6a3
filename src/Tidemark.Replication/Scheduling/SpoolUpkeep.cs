using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Scheduling;

/// <summary>Deletes from the spool what no destination needs any more, and what it has no room for.</summary>
/// <param name="database">The database.</param>
/// <param name="destinations">Its destinations.</param>
/// <param name="bytesMax">What captures may take, at most; see <see cref="SpoolBudget"/>.</param>
/// <param name="logger">Where events go.</param>
internal sealed class SpoolUpkeep(
    CapturedDatabase database, IReadOnlyList<DestinationWorker> destinations, long bytesMax, ILogger logger)
{
    private readonly Spool _spool = database.Spool;
    private Txid _cleanedUpTo;

    private Txid Delivered => destinations.Min(destination => destination.Delivered);

    private Txid Mended => destinations.Min(destination => destination.Mended);

    /// <summary>Deletes what need not be kept, after a destination has got something.</summary>
    public void Clean()
    {
        var upTo = Mended;
        TryDeleteUpTo(upTo);
        _cleanedUpTo = upTo;
        DeleteImages();
        KeepWithinBounds();
    }

    /// <summary>Deletes what need not be kept if compaction has read back more since then. Costs next to nothing while it has
    /// not.</summary>
    /// <param name="captured">The newest capture.</param>
    public void CleanAfterReadBack(Txid captured)
    {
        if (_cleanedUpTo < captured && Mended > _cleanedUpTo)
        {
            Clean();
        }
    }

    /// <summary>Deletes also what is only kept to mend what may turn out to be damaged.</summary>
    public void MakeRoom() => TryDeleteUpTo(Delivered);

    /// <summary>Drops the oldest captures if all of them take more than they may.</summary>
    public void KeepWithinBounds()
    {
        var databaseBytes = database.Position is { } position ? position.PageCount * (long)position.PageSize.Bytes : 0;
        var budget = new SpoolBudget(bytesMax, databaseBytes);
        if (_spool.DropOldest(budget, Delivered) is [.., var last] dropped)
        {
            logger.SpoolIsFull(database.Path, budget.LimitBytes, dropped.Count, last.MaxTxid);
        }
    }

    /// <summary>Deletes everything that every destination has.</summary>
    /// <exception cref="IOException">A file cannot be deleted.</exception>
    public void DeleteDelivered()
    {
        _spool.DeleteUpTo(Delivered);
        DeleteImages();
    }

    // A spool that cannot be cleaned costs space; what is wrong with it, the next capture tells.
    private void TryDeleteUpTo(Txid txid)
    {
        try
        {
            _spool.DeleteUpTo(txid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.SpoolNotCleaned(database.Path, Log.Reason(e));
        }
    }

    private void DeleteImages() => _spool.DeleteImages(Delivered, image => destinations.Any(destination => destination.Wants(image)));
}
