using System.Runtime.ExceptionServices;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Compaction;

/// <summary>Merges files into a new one, from their stores into a store: what compaction and composition share. Thread-safe.</summary>
/// <param name="replica">The replica.</param>
/// <param name="lineage">Who merges.</param>
/// <param name="folder">Where large indexes go.</param>
/// <param name="openLocally">Opens a copy of a file of the replica that is still on this machine, or gives null.</param>
internal sealed class FileMerge(IReplicaStore replica, Lineage lineage, MergeFolder folder, Func<LtxFileKey, Stream?>? openLocally)
{
    /// <summary>Merges files, up to the first one whose pages have another size.</summary>
    /// <param name="sources">The files, oldest first.</param>
    /// <param name="target">Where the new file goes.</param>
    /// <param name="level">Its level.</param>
    /// <param name="mustTakeAll">Whether it is a failure when the page size changes.</param>
    /// <param name="cancellationToken">Ends the call; nothing is written.</param>
    /// <exception cref="LtxFormatException">A file is damaged.</exception>
    /// <exception cref="LtxMergeException">The files are not one history.</exception>
    /// <exception cref="CompactionException">The files do not fit together, another file is there, or there is no room for
    /// temporary files.</exception>
    /// <exception cref="ReplicaStoreException">A store has failed.</exception>
    public async ValueTask<MergedFile> RunAsync(
        IReadOnlyList<MergeSource> sources, IReplicaStore target, Level level, bool mustTakeAll, CancellationToken cancellationToken)
    {
        var usedCopies = false;
        try
        {
            try
            {
                return await MergeAsync(OpenCopy).ConfigureAwait(false);
            }
            catch (Exception e) when (usedCopies && IsFailureOfCopies(e))
            {
                // A copy is an offer only. What the replica itself holds decides.
                return await MergeAsync(_ => null).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw CompactionException.TemporaryFile(folder.Path, e);
        }

        // What is there already but damaged is made anew, since what it was made of is read again anyway.
        async ValueTask<MergedFile> MergeAsync(Func<MergeSource, Stream?> openCopy)
            => await AttemptAsync(sources, target, level, mustTakeAll, openCopy, replaces: false, cancellationToken).ConfigureAwait(false)
                ?? (await AttemptAsync(sources, target, level, mustTakeAll, openCopy, replaces: true, cancellationToken).ConfigureAwait(false))!.Value;

        Stream? OpenCopy(MergeSource source)
        {
            try
            {
                var copy = source.Store == replica ? openLocally?.Invoke(source.Key) : null;
                usedCopies |= copy is not null;
                return copy;
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                return null;
            }
        }
    }

    /// <summary>What a failure means as the result of a run, or null when it is none.</summary>
    public static CompactionResult? ResultOf(TidemarkException failure, IReadOnlyList<MergeSource> sources) => failure switch
    {
        LtxFormatException format when sources.FirstOrDefault(source => source.Name == format.File) is { Store: not null } damaged
            => CompactionResult.Failed(CompactionOutcome.Damaged, failure, damaged.Key),
        LtxMergeException => CompactionResult.Failed(CompactionOutcome.Damaged, failure),
        CompactionException { Outcome: not CompactionOutcome.Idle } unfit
            => CompactionResult.Failed(unfit.Outcome, failure, unfit.Key),
        ReplicaFileNotFoundException missing when sources.Any(source => source.Key == missing.Key)
            => CompactionResult.Failed(CompactionOutcome.Stale, failure),
        _ => null,
    };

    private static bool IsFailureOfCopies(Exception e)
        => e is LtxFormatException or LtxMergeException or CompactionException || FileErrors.IsFileError(e);

    /// <summary>Merges once. Null when the file is there already but damaged, unless it is to be replaced.</summary>
    private async ValueTask<MergedFile?> AttemptAsync(
        IReadOnlyList<MergeSource> sources,
        IReplicaStore target,
        Level level,
        bool mustTakeAll,
        Func<MergeSource, Stream?> openCopy,
        bool replaces,
        CancellationToken cancellationToken)
    {
        var inputs = new List<LtxMergeInput>();
        var bytesRead = 0L;
        try
        {
            foreach (var source in sources)
            {
                var content = openCopy(source)
                    ?? await source.Store.OpenAsync(source.Key, 0, null, cancellationToken).ConfigureAwait(false);
                inputs.Add(await LtxMergeInput.OpenAsync(
                    new CountingStream(content, count => bytesRead += count), source.Name, cancellationToken).ConfigureAwait(false));
                if (!await FitsAsync(inputs, sources, mustTakeAll).ConfigureAwait(false))
                {
                    break;
                }
            }

            var merge = new LtxMergeStream(inputs, lineage, folder.CreateIndex);
            await using (merge.ConfigureAwait(false))
            {
                return await WriteAsync(merge, target, level, replaces, cancellationToken).ConfigureAwait(false) is not { } file
                    ? null
                    : new MergedFile(file, inputs.Count, bytesRead, merge.Header is { IsSnapshot: true, Proof.After: not null });
            }
        }
        finally
        {
            foreach (var input in inputs)
            {
                await input.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Checks the newest input; false when it is not one of the merge, and closed.</summary>
    private static async ValueTask<bool> FitsAsync(List<LtxMergeInput> inputs, IReadOnlyList<MergeSource> sources, bool mustTakeAll)
    {
        var (source, header) = (sources[inputs.Count - 1], inputs[^1].Header);
        if (header.MinTxid != source.Key.Name.MinTxid || header.MaxTxid != source.Key.Name.MaxTxid)
        {
            throw CompactionException.WrongTxids(source, header);
        }

        if (header.PageSize == inputs[0].Header.PageSize)
        {
            return true;
        }

        if (mustTakeAll)
        {
            throw CompactionException.TwoPageSizes(source, header.PageSize, sources[0], inputs[0].Header.PageSize);
        }

        await inputs[^1].DisposeAsync().ConfigureAwait(false);
        inputs.RemoveAt(inputs.Count - 1);
        return false;
    }

    private static async ValueTask<LtxFileInfo?> WriteAsync(
        LtxMergeStream merge, IReplicaStore target, Level level, bool replaces, CancellationToken cancellationToken)
    {
        var key = new LtxFileKey(level, new LtxFileName(merge.Header.MinTxid, merge.Header.MaxTxid));
        try
        {
            return replaces
                ? await target.WriteAsync(key, merge.Header.Timestamp, merge, cancellationToken).ConfigureAwait(false)
                : await target.CreateAsync(key, merge.Header.Timestamp, merge, cancellationToken).ConfigureAwait(false);
        }
        catch (ReplicaFileExistsException)
        {
            return await AcceptAsync(merge.Header, target, key, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (merge.Failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure); // A store may see its own failure only: that its content broke off.
            throw;
        }
    }

    /// <summary>A file that is there already is the one that was to be written, by a run whose answer was lost, if it leads from the same
    /// state to the same. Null when it is damaged.</summary>
    private static async ValueTask<LtxFileInfo?> AcceptAsync(
        LtxHeader expected, IReplicaStore target, LtxFileKey key, CancellationToken cancellationToken)
    {
        var bytes = new byte[LtxHeader.Size];
        var content = await target.OpenAsync(key, 0, bytes.Length, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            var length = await content.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken)
                .ConfigureAwait(false);
            if (LtxHeader.TryRead(bytes.AsSpan(0, length), out var found) != LtxFault.None
                || found with { Lineage = expected.Lineage } != expected)
            {
                throw CompactionException.AnotherFileIsThere(target.Name, key);
            }
        }

        if (!await IsWholeAsync(target, key, cancellationToken).ConfigureAwait(false))
        {
            return null;
        }

        await foreach (var file in target.ListAsync(key.Level, key.Name.MinTxid, cancellationToken).ConfigureAwait(false))
        {
            if (file.Key == key)
            {
                return file;
            }
        }

        throw new ReplicaFileNotFoundException(target.Name, key);
    }

    private static async ValueTask<bool> IsWholeAsync(IReplicaStore store, LtxFileKey key, CancellationToken cancellationToken)
    {
        var content = await store.OpenAsync(key, 0, null, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            try
            {
                _ = await LtxReader.VerifyAsync(content, $"{store.Name}/{key}", cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (LtxFormatException)
            {
                return false;
            }
        }
    }
}
