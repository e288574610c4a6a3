using Tidemark.Replication.Capture;
using Tidemark.Replication.Images;

namespace Tidemark.Replication.Scheduling;

/// <summary>Writes images of a database to its spool, for destinations that cannot be continued or whose files are damaged.</summary>
/// <remarks>What stands in the way of an image must not hold back the captures that other destinations wait for.</remarks>
/// <param name="database">The database.</param>
/// <param name="destinations">Its destinations.</param>
/// <param name="offer">Tells the destinations of what was captured for an image.</param>
/// <param name="scope">What the run shares.</param>
internal sealed class ImageWriter(
    CapturedDatabase database, IReadOnlyList<DestinationWorker> destinations, Action offer, ReplicationScope scope)
{
    // An image needs as much room as the database: a disk that has no room for it must not be filled again and again.
    private static readonly TimeSpan s_delayMin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_delayMax = TimeSpan.FromMinutes(10);

    private readonly BackOff _backOff = new(s_delayMin, s_delayMax, scope.Random);
    private (long Since, TimeSpan Delay) _pause;

    /// <summary>Whether a destination waits for an image.</summary>
    public bool IsWanted => destinations.Any(destination => destination.WantedImage is not null);

    /// <summary>Why the newest image could not be written; null when it could.</summary>
    public string? Failure { get; private set; }

    /// <summary>For how long no image is tried after one that failed; null when one may be.</summary>
    public TimeSpan? RestOfPause
        => _pause.Delay - scope.Time.GetElapsedTime(_pause.Since) is var rest && rest > TimeSpan.Zero ? rest : null;

    /// <summary>Writes what is wanted. Where the spool fails, that is reported and a pause begins.</summary>
    public void TryWrite()
    {
        try
        {
            Write();
            (_pause, Failure) = (default, null);
            _backOff.Reset();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            (_pause, Failure) = ((scope.Time.GetTimestamp(), _backOff.Next()), Log.Reason(e));
            offer(); // What was captured for it is there.
            scope.Logger.ImageFailed(database.Path, _pause.Delay.TotalMilliseconds, Failure);
        }
    }

    /// <summary>Writes what is wanted, one image for all destinations that want the same.</summary>
    public void Write()
    {
        var wanting = destinations
            .Select(destination => (Destination: destination, Image: destination.WantedImage))
            .Where(wanting => wanting.Image is not null)
            .ToLookup(wanting => wanting.Image!.From);
        foreach (var sameImage in wanting)
        {
            if (FullImageStep.Run(database, sameImage.Key) is not { } image)
            {
                continue;
            }

            offer();
            foreach (var (destination, wanted) in sameImage)
            {
                scope.Logger.ImageWritten(database.Path, image.ToString(), destination.Store.Name, wanted!.Level.Value);
                destination.OfferImage(wanted);
            }
        }
    }
}
