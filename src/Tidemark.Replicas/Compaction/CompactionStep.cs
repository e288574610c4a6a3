using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Compaction;

/// <summary>Merges files of one level of a replica into one of the next level: one file a run.</summary>
/// <remarks>
/// <para>Every checksum of every file is verified on the way, and the new file gets its name only when all are right. Nothing is
/// deleted: what was merged is left to retention. Nothing is replaced either, but a damaged file that has the name of the new one.</para>
/// <para>Memory is bounded: 128 KB for each of at most 64 files, and a few megabytes. Pages are copied as they are compressed.</para>
/// <para>Runs for different levels may overlap. Runs for one level must not.</para>
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="lineage">Who writes there.</param>
/// <param name="files">The files of this machine.</param>
/// <param name="temporaryFolder">A folder for temporary files that is used for this replica only; made when it is needed.</param>
/// <param name="openLocally">Opens a copy of a file that is still on this machine, or gives null, so that nothing is downloaded that is
/// here. Only copies of what was shipped to this replica: a file of another history that has the same name could be taken for it. A copy
/// that turns out to be damaged is not used.</param>
/// <param name="confirm">Called before a damaged file is replaced by the same one made anew; throws when somebody else may write
/// there.</param>
public sealed class CompactionStep(
    IReplicaStore store,
    Lineage lineage,
    IFileSystem files,
    string temporaryFolder,
    Func<LtxFileKey, Stream?>? openLocally = null,
    Func<CancellationToken, ValueTask>? confirm = null)
{
    private readonly FileMerge _merge = new(store, lineage, new MergeFolder(files, temporaryFolder), openLocally, confirm);

    /// <summary>Merges what <see cref="CompactionDecision"/> decides.</summary>
    /// <param name="catalog">What the replica holds. The new file is added to it.</param>
    /// <param name="target">The level to merge into, from 1 to 8.</param>
    /// <param name="takesSingle">Whether a single file is taken up too, so that the level is complete.</param>
    /// <param name="cancellationToken">Ends the run; nothing is written.</param>
    /// <returns>What was done. Damaged and missing files are results too, since the replica can be mended.</returns>
    /// <exception cref="ReplicaStoreException">The store has failed.</exception>
    /// <exception cref="CompactionException">Another file has the name of the new one, or there is no room for temporary
    /// files.</exception>
    public async ValueTask<CompactionResult> RunAsync(
        ReplicaCatalog catalog, Level target, bool takesSingle, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        switch (CompactionDecision.From(catalog.Files, target, takesSingle))
        {
            case CompactionDecision.Gap gap:
                var failure = CompactionException.Hole(store.Name, new Level(target.Value - 1), gap.MissingFrom, gap.MissingTo);
                return CompactionResult.Failed(CompactionOutcome.Gap, failure);
            case CompactionDecision.Merge merge:
                return await MergeAsync(catalog, merge, takesSingle, mustTakeAll: false, cancellationToken).ConfigureAwait(false);
            default:
                return CompactionResult.Idle;
        }
    }

    /// <summary>Makes a damaged file again from the files of lower levels, in its place.</summary>
    /// <param name="catalog">What the replica holds, without the damaged file. The new one is added to it.</param>
    /// <param name="damaged">The file, of a level from 1 to 8.</param>
    /// <param name="cancellationToken">Ends the run; nothing is written.</param>
    /// <returns>What was done; <see cref="CompactionOutcome.Idle"/> when the files that it was made of are not there any more.</returns>
    /// <inheritdoc cref="RunAsync" path="/exception"/>
    public async ValueTask<CompactionResult> MakeAgainAsync(
        ReplicaCatalog catalog, LtxFileKey damaged, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return CompactionDecision.Again(catalog.Files, damaged) is { } merge
            ? await MergeAsync(catalog, merge, takesSingle: false, mustTakeAll: true, cancellationToken).ConfigureAwait(false)
            : CompactionResult.Idle;
    }

    private async ValueTask<CompactionResult> MergeAsync(
        ReplicaCatalog catalog,
        CompactionDecision.Merge decision,
        bool takesSingle,
        bool mustTakeAll,
        CancellationToken cancellationToken)
    {
        var level = decision.Output.Level;
        MergeSource[] sources = [.. decision.Inputs.Select(input => new MergeSource(store, input.Key))];
        try
        {
            var merged = await _merge.RunAsync(sources, store, level, mustTakeAll, cancellationToken).ConfigureAwait(false);
            catalog.Add(merged.Info);
            return new CompactionResult
            {
                Outcome = CompactionOutcome.Compacted,
                File = merged.Info,
                InputCount = merged.InputCount,
                BytesRead = merged.BytesRead,
                HasMore = CompactionDecision.From(catalog.Files, level, takesSingle) is CompactionDecision.Merge,
            };
        }
        catch (TidemarkException e) when (FileMerge.ResultOf(e, sources) is { } result)
        {
            return result;
        }
    }
}
