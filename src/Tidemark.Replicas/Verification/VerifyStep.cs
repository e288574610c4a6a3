using System.Collections.Concurrent;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Verification;

/// <summary>Checks a replica without writing to it: every file for itself, how the files fit together, and whether states can be
/// restored.</summary>
/// <remarks>
/// Reads every file once, several at a time, and the files of each asked-for state once more, put together as a restore does it. Memory is
/// a header for each file, one bit for each page of a state, and a fixed number of buffers. A replica that is written to meanwhile may be
/// verified. Thread-safe: it has no state.
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="time">The clock.</param>
public sealed class VerifyStep(IReplicaStore store, TimeProvider time)
{
    /// <summary>Verifies. What is wrong with the replica is told by the report.</summary>
    /// <exception cref="ReplicaStoreException">The store cannot be listed, or does not answer, so that nothing is known.</exception>
    /// <exception cref="RestoreOutputException">A database cannot be written to <see cref="VerifyOptions.Scratch"/>.</exception>
    public async ValueTask<VerificationReport> RunAsync(VerifyOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Parallelism, 1, nameof(options));
        var files = await ReplicaListing.ReadAllAsync(store, cancellationToken).ConfigureAwait(false);
        var readings = await ReadAsync(files, options, cancellationToken).ConfigureAwait(false);
        var bytesDone = files.Sum(file => file.SizeBytes);
        var states = new List<VerifiedState>();
        foreach (var target in TargetsOf(files, options))
        {
            var progress = options.Progress is { } whole ? new LaterProgress(whole, bytesDone) : null;
            var state = await CheckAsync(target, options with { Progress = progress }, cancellationToken).ConfigureAwait(false);
            states.Add(state);
            bytesDone += state.Plan?.TotalSizeBytes ?? 0;
        }

        return Judge(readings, states);
    }

    /// <summary>Draws the conclusions. Pure.</summary>
    internal static VerificationReport Judge(IReadOnlyList<FileReading> readings, IReadOnlyList<VerifiedState> states)
    {
        var usable = readings.Where(reading => reading.Failure is null).Select(reading => reading.Info).ToArray();
        var restorable = RestorePlan.RestorableTxids(usable);
        var created = usable.GroupBy(file => file.MaxTxid).ToDictionary(group => group.Key, group => group.Min(file => file.Created));
        var proven = readings.Where(reading => reading.Header?.Proof.After is not null).Select(reading => reading.Info.MaxTxid).ToHashSet();
        RestorableState StateOf(Txid txid) => new(txid, created[txid]);
        return new VerificationReport
        {
            Levels =
            [
                .. readings.GroupBy(reading => reading.Info.Level, reading => reading.Info).OrderBy(level => level.Key).Select(level =>
                    new LevelSummary(
                        level.Key, level.Count(), level.Sum(file => file.SizeBytes), level.Min(file => file.MinTxid),
                        level.Max(file => file.MaxTxid))),
            ],
            RestorableStates = restorable.Count,
            Oldest = restorable is [var oldest, ..] ? StateOf(oldest) : null,
            Newest = restorable is [.., var newest] ? StateOf(newest) : null,
            ProvenStates = restorable.Count(proven.Contains),
            Proofs = readings
                .Where(reading => reading is { Failure: null, Header.Proof.After: not null })
                .DistinctBy(reading => reading.Info.MaxTxid)
                .ToDictionary(reading => reading.Info.MaxTxid, reading => reading.Header!.Value.Proof.After!.Value),
            Lineages = [.. readings.Select(reading => reading.Header?.Lineage ?? Lineage.None).Where(id => id != Lineage.None).Distinct()],
            States = states,
            Findings = HistoryCheck.Run(readings),
        };
    }

    private static IEnumerable<RestoreTarget> TargetsOf(IReadOnlyList<LtxFileInfo> files, VerifyOptions options)
    {
        var snapshots = files
            .Where(file => options.IncludesSnapshots && file.Level == Level.Snapshots)
            .Select(file => file.MaxTxid)
            .Distinct()
            .Order()
            .Select(txid => new RestoreTarget.AtTxid(txid));
        return options.Targets.Concat(snapshots).Distinct();
    }

    private async Task<IReadOnlyList<FileReading>> ReadAsync(
        IReadOnlyList<LtxFileInfo> files, VerifyOptions options, CancellationToken cancellationToken)
    {
        var readings = new ConcurrentBag<FileReading>();
        var (bytesRead, bytesTotal) = (0L, files.Sum(file => file.SizeBytes));
        void Count(int count) => options.Progress?.Report(
            new RestoreProgress(Interlocked.Add(ref bytesRead, count), bytesTotal, 0, 0));

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            files, parallel, async (file, token) => readings.Add(await ReadAsync(file, Count, token).ConfigureAwait(false)))
            .ConfigureAwait(false);
        return [.. readings.OrderBy(reading => reading.Info.Level).ThenBy(reading => reading.Info.Key.Name)];
    }

    private async ValueTask<FileReading> ReadAsync(LtxFileInfo file, Action<int> whenRead, CancellationToken cancellationToken)
    {
        try
        {
            return new FileReading(file, await FileCheck.RunAsync(store, file, whenRead, cancellationToken).ConfigureAwait(false), null);
        }
        catch (ReplicaFileNotFoundException)
        {
            // Retention or compaction removed it after it was listed, and has put what replaces it elsewhere before.
            return new FileReading(file, null, null);
        }
        catch (TidemarkException e) when (!e.IsTransient)
        {
            return new FileReading(file, null, e); // Damaged, or unreadable: for a restore it is the same.
        }
    }

    private async ValueTask<VerifiedState> CheckAsync(RestoreTarget target, VerifyOptions options, CancellationToken cancellationToken)
    {
        RestorePlan? tried = null;
        try
        {
            return await new StateReading(store, whenDamaged: null).RunAsync(
                target,
                first: null,
                (plan, token) =>
                {
                    tried = plan;
                    return options.Scratch is { } scratch
                        ? RestoreAsync(plan, scratch, options, token)
                        : BuildAsync(plan, options, token);
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (TidemarkException e) when (e is not RestoreOutputException && !e.IsTransient)
        {
            return new VerifiedState { Target = target, Plan = tried, Failure = e };
        }
    }

    private async ValueTask<VerifiedState> BuildAsync(RestorePlan plan, VerifyOptions options, CancellationToken cancellationToken)
    {
        var database = new Materialiser(
            store, plan, new PageChecksumSink((_, _, _) => { }), options.Parallelism, time, options.Progress);
        await database.RunAsync(cancellationToken).ConfigureAwait(false);
        return new VerifiedState
        {
            Target = plan.Target,
            Plan = plan,
            SizeBytes = (long)database.Pages * database.PageSize.Bytes,
            IsProven = database.IsProven,
        };
    }

    private async ValueTask<VerifiedState> RestoreAsync(
        RestorePlan plan, ScratchDatabase scratch, VerifyOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> left = [];
        try
        {
            var restored = await new RestoreStep(store, scratch.Files, time).RunAsync(
                plan,
                new RestoreOptions
                {
                    OutputPath = scratch.Path,
                    Parallelism = options.Parallelism,
                    Inspect = async (path, token) => left = await scratch.Inspect(path, token).ConfigureAwait(false),
                    Progress = options.Progress,
                },
                cancellationToken).ConfigureAwait(false);
            return new VerifiedState
            {
                Target = plan.Target,
                Plan = restored.Plan,
                SizeBytes = restored.SizeBytes,
                IsProven = restored.IsProven,
                Unchecked = left,
            };
        }
        finally
        {
            scratch.Files.Delete(scratch.Path);
        }
    }
}
