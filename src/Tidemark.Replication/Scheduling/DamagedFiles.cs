using System.Runtime.ExceptionServices;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>The files of one destination that turned out to be damaged, and how they are mended.</summary>
/// <remarks>
/// A file that turns out to be damaged, also when it is read again, is as good as missing: it takes the place of nothing. It is shipped
/// again while the spool still holds it, or made again of the files that it was made of. If neither can be done, the database's own loop is
/// asked for a snapshot of the database as it is, from which compaction and restores go on, and the damaged file is deleted when that lies
/// there: restores would choose it.
/// </remarks>
/// <param name="upload">Ships to the destination, and knows what it holds.</param>
/// <param name="compaction">Makes a file of a level again.</param>
/// <param name="snapshots">Makes a snapshot again.</param>
/// <param name="options">The database.</param>
/// <param name="scope">What the run shares.</param>
/// <param name="changed">Called after an image of the database was asked for, and when the destination has to be looked at.</param>
internal sealed class DamagedFiles(
    UploadStep upload,
    CompactionStep compaction,
    SnapshotCompositionStep snapshots,
    DatabaseOptions options,
    ReplicationScope scope,
    Action changed)
{
    private Exception? _awaitsImage;
    private readonly HashSet<LtxFileKey> _damaged = [];
    private readonly HashSet<LtxFileKey> _writtenAgain = [];
    private readonly HashSet<LtxFileKey> _readAgain = [];
    private readonly HashSet<LtxFileKey> _readBack = [];

    /// <summary>A run begins. A destination that was listed anew shows what is damaged too.</summary>
    public void BeginRun(ReplicaCatalog catalog)
    {
        _readAgain.Clear();
        foreach (var damaged in catalog.Files.Where(file => _damaged.Contains(file.Key)))
        {
            catalog.Remove(damaged.Key);
        }
    }

    /// <summary>Reads a snapshot whole before what lies behind it is deleted, once. One that is damaged is mended, or given up.</summary>
    /// <param name="catalog">What the destination holds.</param>
    /// <param name="floor">TXID of the snapshot.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>False when the files are others now, or have to be looked at once more.</returns>
    /// <exception cref="ReplicaStoreException">It cannot be read.</exception>
    public async Task<bool> ReadBackAsync(ReplicaCatalog catalog, Txid floor, CancellationToken cancellationToken)
    {
        var snapshot = new LtxFileKey(Level.Snapshots, new LtxFileName(Txid.First, floor));
        if (_readBack.Contains(snapshot))
        {
            return true;
        }

        CompactionResult result;
        try
        {
            if (await FindDamageAsync(snapshot, cancellationToken).ConfigureAwait(false) is not { } damage)
            {
                _readBack.Clear(); // A floor does not come back.
                _readBack.Add(snapshot);
                return true;
            }

            result = new CompactionResult { Outcome = CompactionOutcome.Damaged, Failure = damage, DamagedFile = snapshot };
        }
        catch (ReplicaFileNotFoundException e)
        {
            result = new CompactionResult { Outcome = CompactionOutcome.Stale, Failure = e };
        }

        await MendAsync(catalog, result, [], cancellationToken).ConfigureAwait(false);
        return false;
    }

    /// <summary>Whether there are files to delete since a snapshot leads past them.</summary>
    public bool HasBridged(ReplicaCatalog catalog) => Bridged(catalog).Length > 0;

    /// <summary>Deletes the files that a snapshot leads past, unless they can be made again now.</summary>
    public async Task DeleteBridgedAsync(ReplicaCatalog catalog, CancellationToken cancellationToken)
    {
        if (Bridged(catalog) is { Length: > 0 } files)
        {
            await upload.Claim.ConfirmNowAsync(cancellationToken).ConfigureAwait(false);
            foreach (var file in files)
            {
                // What a failure kept from being made again may be made now.
                if (!await TryWriteAgainAsync(catalog, file, cancellationToken).ConfigureAwait(false))
                {
                    await upload.Store.DeleteAsync([file], cancellationToken).ConfigureAwait(false);
                }

                _damaged.Remove(file);
            }
        }
    }

    /// <summary>What was found damaged and waits for an image; null when there is nothing.</summary>
    public Exception? Unmended => upload.Requested is null ? null : _awaitsImage;

    /// <summary>Mends what made a compaction fail, if that can be done at once, so that it can be tried again; throws when something
    /// else has to happen first.</summary>
    /// <param name="catalog">What the destination holds.</param>
    /// <param name="result">What failed.</param>
    /// <param name="inputs">What was to be merged.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task MendAsync(
        ReplicaCatalog catalog, CompactionResult result, IReadOnlyList<LtxFileInfo> inputs, CancellationToken cancellationToken)
    {
        var failure = result.Failure!;
        if (result.DamagedFile is { } damaged)
        {
            if (_readAgain.Add(damaged) && await IsWholeAsync(damaged, cancellationToken).ConfigureAwait(false))
            {
                return;
            }

            // Until it is whole again it takes the place of nothing, whatever happens here.
            _damaged.Add(damaged);
            catalog.Remove(damaged);
            if (await TryMendAsync(catalog, damaged, cancellationToken).ConfigureAwait(false))
            {
                scope.Logger.ShippedAgain(options.DatabasePath, damaged.ToString(), upload.Store.Name);
                return;
            }

            // Other files may lead past it, on this level or on another. If not, there is a gap now.
            scope.Logger.Damaged(options.DatabasePath, upload.Store.Name, Log.Reason(failure));
            RequestImage();
            _awaitsImage = failure;
            return;
        }

        if (result.Outcome == CompactionOutcome.Stale)
        {
            upload.Distrust(); // The destination is listed anew before anything else happens there.
            changed();
        }
        else
        {
            foreach (var input in result.Outcome == CompactionOutcome.Damaged ? inputs : [])
            {
                catalog.Remove(input.Key); // They are not one history, and nobody can tell where it breaks.
            }

            scope.Logger.CannotContinue(options.DatabasePath, upload.Store.Name, Log.Reason(failure));
            RequestImage();
        }

        ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>A file was written, in the course of things or in the place of a damaged one.</summary>
    public void NoteWritten(LtxFileInfo file, CompactionResult result)
    {
        _damaged.Remove(file.Key);
        scope.Metrics.Compacted(options.DatabasePath, upload.Store.Name, file.Level.Value, file.SizeBytes);
        var (level, database, name, destination) = (scope.MaintenanceLevel, options.DatabasePath, file.Key.ToString(), upload.Store.Name);
        if (file.Level == Level.Snapshots)
        {
            scope.Logger.SnapshotWritten(level, database, name, destination, result.InputCount, file.SizeBytes);
        }
        else
        {
            scope.Logger.Compacted(level, database, name, destination, result.InputCount, result.BytesRead, file.SizeBytes);
        }
    }

    // Those that a snapshot leads past which was asked for since, and lies there.
    private LtxFileKey[] Bridged(ReplicaCatalog catalog)
        => options.IsRetentionEnabled && upload.Requested is null && _damaged.Count > 0
            && catalog.NewestAt(Level.Snapshots) is { } snapshot
                ? [.. _damaged.Where(file => file.Name.MaxTxid <= snapshot.MaxTxid)]
                : [];

    private async ValueTask<bool> TryMendAsync(ReplicaCatalog catalog, LtxFileKey damaged, CancellationToken cancellationToken)
    {
        try
        {
            var isMended = await TryWriteAgainAsync(catalog, damaged, cancellationToken).ConfigureAwait(false);
            _ = isMended && _damaged.Remove(damaged);
            return isMended;
        }
        catch
        {
            _writtenAgain.Remove(damaged); // It was not tried to its end.
            RequestImage();
            throw;
        }
    }

    // Once for each file: a place that damages what is put there does so again.
    private async ValueTask<bool> TryWriteAgainAsync(ReplicaCatalog catalog, LtxFileKey damaged, CancellationToken cancellationToken)
    {
        if (!_writtenAgain.Add(damaged))
        {
            return false;
        }

        if (damaged.Level == Level.Captured)
        {
            return await upload.TryShipAgainAsync(damaged, cancellationToken).ConfigureAwait(false);
        }

        while (true)
        {
            var result = damaged.Level == Level.Snapshots
                ? await snapshots.MakeAgainAsync(catalog, damaged, cancellationToken).ConfigureAwait(false)
                : await compaction.MakeAgainAsync(catalog, damaged, cancellationToken).ConfigureAwait(false);
            if (result.File is { } file)
            {
                NoteWritten(file, result);
                return true;
            }

            if (result.DamagedFile is null)
            {
                return false;
            }

            await MendAsync(catalog, result, [], cancellationToken).ConfigureAwait(false); // Each round mends one, or has one less.
        }
    }

    // What was read wrong on its way here is no damage, and history must not be given up for it. Once a run: then it counts.
    private async ValueTask<bool> IsWholeAsync(LtxFileKey file, CancellationToken cancellationToken)
        => await FindDamageAsync(file, cancellationToken).ConfigureAwait(false) is null;

    private async ValueTask<LtxFormatException?> FindDamageAsync(LtxFileKey file, CancellationToken cancellationToken)
    {
        var content = await upload.Store.OpenAsync(file, 0, null, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            try
            {
                await LtxReader.VerifyAsync(content, file.ToString(), cancellationToken).ConfigureAwait(false);
                return null;
            }
            catch (LtxFormatException e)
            {
                return e;
            }
        }
    }

    private void RequestImage()
    {
        upload.RequestImage(Level.Snapshots, Txid.First);
        changed();
    }
}
