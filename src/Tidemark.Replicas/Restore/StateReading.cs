using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>Reads a state of a replica as it is planned, and plans anew without files that have vanished or are damaged.</summary>
/// <remarks>Never leads to an older state than the listed files name: damage that no files lead around ends it. Thread-safe: it has no
/// state.</remarks>
/// <param name="store">The replica.</param>
/// <param name="whenDamaged">Is told of each damaged file that others stand in for, before they are read. Null for none.</param>
internal sealed class StateReading(IReplicaStore store, Action<DamagedFile>? whenDamaged)
{
    /// <summary>How often a state is planned anew because retention has removed a file of its plan.</summary>
    public const int PlansMax = 4;

    /// <summary>Reads the state.</summary>
    /// <param name="target">Which one.</param>
    /// <param name="first">The plan to begin with; null to make one.</param>
    /// <param name="read">Reads the files of a plan. It is called again with the next plan, and then begins anew.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="DamagedFileException">A file is damaged, and no others lead to the state.</exception>
    public async ValueTask<T> RunAsync<T>(
        RestoreTarget target, RestorePlan? first, Func<RestorePlan, CancellationToken, ValueTask<T>> read,
        CancellationToken cancellationToken)
    {
        var damaged = new List<DamagedFile>();
        var plan = first ?? await PlanAsync(target, damaged, cancellationToken).ConfigureAwait(false);
        for (var plans = 1; ;)
        {
            try
            {
                return await read(plan, cancellationToken).ConfigureAwait(false);
            }
            catch (ReplicaFileNotFoundException) when (plans < PlansMax)
            {
                plans++;
                plan = await PlanAsync(target, damaged, cancellationToken).ConfigureAwait(false);
            }
            catch (TidemarkException e) when (e is LtxFormatException or RestoreVerificationException)
            {
                if (await FindAsync(e, plan, cancellationToken).ConfigureAwait(false) is not { } file)
                {
                    throw;
                }

                damaged.Add(file);
                plan = await PlanAsync(target, damaged, cancellationToken).ConfigureAwait(false);
                whenDamaged?.Invoke(file);
            }
        }
    }

    private async ValueTask<RestorePlan> PlanAsync(
        RestoreTarget target, List<DamagedFile> damaged, CancellationToken cancellationToken)
    {
        var listed = await ReplicaListing.ReadAllAsync(store, cancellationToken).ConfigureAwait(false);
        if (damaged.Count == 0)
        {
            return listed.Count == 0
                ? throw NoMatchingBackupException.NoReplica(ReplicaAbsence.Of(store))
                : RestorePlan.From(listed, target);
        }

        var keys = damaged.Select(file => file.File.Key).ToHashSet();
        return RestorePlan.Around(keys, listed, target)
            ?? throw DamagedFileException.From(damaged[^1], [.. listed.Where(file => !keys.Contains(file.Key))]);
    }

    /// <summary>Finds the file that a failure comes from; null if all files are whole and only do not fit together.</summary>
    private async ValueTask<DamagedFile?> FindAsync(TidemarkException failure, RestorePlan plan, CancellationToken cancellationToken)
    {
        if (failure is LtxFormatException { File: var name })
        {
            return new DamagedFile(plan.Files.First(file => PlannedFile.NameOf(store, file) == name), failure);
        }

        // A header is compared with others before the file is proven, so this may be damage too.
        foreach (var file in plan.Files)
        {
            try
            {
                await FileCheck.RunAsync(store, file, _ => { }, cancellationToken).ConfigureAwait(false);
            }
            catch (ReplicaFileNotFoundException)
            {
                // Retention or compaction has removed it.
            }
            catch (TidemarkException e) when (e is LtxFormatException or RestoreVerificationException)
            {
                return new DamagedFile(file, e);
            }
        }

        return null;
    }
}
