using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Compaction;

/// <summary>Composes a snapshot of the newest state in a replica from the files that lead to it, without the database.</summary>
/// <remarks>
/// <para>The files are those that a restore would read (<see cref="RestorePlan"/>). Every checksum is verified as in
/// <see cref="CompactionStep"/>; and the pages of the snapshot are compared with the checksum that the newest file gives of its state.</para>
/// <para>Of more files than can be open at once, all but the first are merged in groups before, into temporary files. These are removed at
/// the end in any case; what a killed process has left, by the next run.</para>
/// <para>Runs must not overlap.</para>
/// </remarks>
public sealed class SnapshotCompositionStep
{
    private readonly IReplicaStore _store;
    private readonly MergeFolder _folder;
    private readonly FileMerge _merge;

    /// <summary>Composes for one replica.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="lineage">Who writes there.</param>
    /// <param name="files">The files of this machine.</param>
    /// <param name="temporaryFolder">A folder for temporary files that is used for this replica only; made when it is needed.</param>
    /// <param name="openLocally">Opens a copy of a file that is still on this machine, or gives null, so that nothing is downloaded that is
    /// here. Only copies of what was shipped to this replica: a file of another history that has the same name could be taken for it. A copy
    /// that turns out to be damaged is not used.</param>
    /// <param name="confirm">Called before a damaged file is replaced by the same one made anew; throws when somebody else may write
    /// there.</param>
    public SnapshotCompositionStep(
        IReplicaStore store,
        Lineage lineage,
        IFileSystem files,
        string temporaryFolder,
        Func<LtxFileKey, Stream?>? openLocally = null,
        Func<CancellationToken, ValueTask>? confirm = null)
    {
        _store = store;
        _folder = new MergeFolder(files, temporaryFolder);
        _merge = new FileMerge(store, lineage, _folder, openLocally, confirm);
    }

    /// <summary>Composes a snapshot, unless the newest state is one.</summary>
    /// <param name="catalog">What the replica holds. The snapshot is added to it.</param>
    /// <param name="cancellationToken">Ends the run; nothing is written.</param>
    /// <returns>What was done. Damaged and missing files are results too: only a full image of the database can mend the
    /// replica.</returns>
    /// <exception cref="ReplicaStoreException">The store has failed, or a temporary file.</exception>
    /// <exception cref="CompactionException">Another file has the name of the snapshot, or there is no room for temporary
    /// files.</exception>
    public async ValueTask<CompactionResult> RunAsync(ReplicaCatalog catalog, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        _folder.Clear(); // Also when there is nothing to do: a killed process may have come as far as that.
        MergeSource[] sources;
        try
        {
            var plan = RestorePlan.From(catalog.Files, new RestoreTarget.Latest());
            if (plan.Files is [{ } only] && only.Level == Level.Snapshots)
            {
                return CompactionResult.Idle;
            }

            sources = [.. plan.Files.Select(file => new MergeSource(_store, file.Key))];
        }
        catch (NoMatchingBackupException)
        {
            return CompactionResult.Idle; // The replica is empty.
        }
        catch (ReplicaHoleException e)
        {
            return CompactionResult.Failed(CompactionOutcome.Gap, e);
        }

        return await ComposeAsync(catalog, sources, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes a damaged snapshot again from other files that lead to its state, in its place.</summary>
    /// <param name="catalog">What the replica holds, without the damaged snapshot. The new one is added to it.</param>
    /// <param name="damaged">The snapshot.</param>
    /// <param name="cancellationToken">Ends the run; nothing is written.</param>
    /// <returns>What was done; <see cref="CompactionOutcome.Idle"/> when no other files lead there.</returns>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async ValueTask<CompactionResult> MakeAgainAsync(
        ReplicaCatalog catalog, LtxFileKey damaged, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        _folder.Clear();
        try
        {
            var plan = RestorePlan.From(catalog.Files, new RestoreTarget.AtTxid(damaged.Name.MaxTxid));
            MergeSource[] sources = [.. plan.Files.Select(file => new MergeSource(_store, file.Key))];
            return await ComposeAsync(catalog, sources, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NoMatchingBackupException or TxidNotRestorableException or ReplicaHoleException)
        {
            return CompactionResult.Idle;
        }
    }

    private async ValueTask<CompactionResult> ComposeAsync(
        ReplicaCatalog catalog, MergeSource[] sources, CancellationToken cancellationToken)
    {
        try
        {
            var (narrowed, bytesRead) = await NarrowAsync(sources, cancellationToken).ConfigureAwait(false);
            var merged = await MergeAsync(narrowed, _store, Level.Snapshots, cancellationToken).ConfigureAwait(false);
            catalog.Add(merged.Info);
            return new CompactionResult
            {
                Outcome = CompactionOutcome.Compacted,
                File = merged.Info,
                InputCount = sources.Length,
                IsProven = merged.IsProven,
                BytesRead = bytesRead + merged.BytesRead,
            };
        }
        catch (TidemarkException e) when (FileMerge.ResultOf(e, sources) is { } result)
        {
            return result;
        }
        finally
        {
            _folder.Clear();
        }
    }

    /// <summary>Merges groups of files until there are no more than can be open at once.</summary>
    private async ValueTask<(MergeSource[] Sources, long BytesRead)> NarrowAsync(
        MergeSource[] sources, CancellationToken cancellationToken)
    {
        var (place, bytesRead) = (_folder.OpenStore(), 0L);
        while (sources.Length > CompactionDecision.InputsMax)
        {
            // The first file holds the whole database: it is not copied but read once, at the end.
            var narrowed = new List<MergeSource> { sources[0] };
            foreach (var group in sources.Skip(1).Chunk(CompactionDecision.InputsMax))
            {
                if (group.Length == 1)
                {
                    narrowed.Add(group[0]);
                    continue;
                }

                var merged = await MergeAsync(group, place, MergeFolder.Level, cancellationToken).ConfigureAwait(false);
                bytesRead += merged.BytesRead;
                narrowed.Add(new MergeSource(place, merged.Info.Key));
            }

            sources = [.. narrowed];
        }

        return (sources, bytesRead);
    }

    private ValueTask<MergedFile> MergeAsync(
        MergeSource[] sources, IReplicaStore target, Level level, CancellationToken cancellationToken)
        => _merge.RunAsync(sources, target, level, mustTakeAll: true, cancellationToken);
}
