using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Follow;

/// <summary>Builds the newest state of a replica in a temporary file beside the database, as a restore does. Thread-safe.</summary>
internal sealed class FullImage(IReplicaStore store, IFileSystem files, TimeProvider time, FollowOptions options)
{
    /// <summary>Builds it. When a file has vanished meanwhile, or is damaged, it is planned anew, as a restore is.</summary>
    /// <param name="path">Where the database lies.</param>
    /// <param name="known">What the replica holds, for the first plan; null to list it.</param>
    /// <param name="overwrite">Whether what lies at the place of the database may be replaced.</param>
    /// <param name="mayBeOpen">Whether somebody may have that open.</param>
    /// <param name="cancellationToken">Ends the call; nothing is left.</param>
    public ValueTask<ImageBatch> BuildAsync(
        string path, IReadOnlyList<LtxFileInfo>? known, bool overwrite, bool mayBeOpen, CancellationToken cancellationToken)
    {
        var target = new RestoreTarget.Latest();
        return new StateReading(store, options.OnDamagedFile).RunAsync(
            target,
            known is null ? null : RestorePlan.From(known, target),
            (plan, token) => BuildAsync(path, plan, overwrite, mayBeOpen, token),
            cancellationToken);
    }

    private async ValueTask<ImageBatch> BuildAsync(
        string path, RestorePlan plan, bool overwrite, bool mayBeOpen, CancellationToken cancellationToken)
    {
        var place = new RestoreOutput(files, path, overwrite, mayBeOpen);
        try
        {
            place.ThrowUnlessAllowed();
            var file = place.CreateTemporary();
            var sink = new DatabaseFileSink(file, place.TemporaryPath);
            var database = new Materialiser(store, plan, sink, options.Parallelism, time, options.Progress);
            await database.RunAsync(cancellationToken).ConfigureAwait(false);
            if (options.Inspect is { } inspect)
            {
                await inspect(place.TemporaryPath, cancellationToken).ConfigureAwait(false);
                place.RemoveTemporarySidecars();
            }

            return new ImageBatch(place, file, database, plan);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }
}
