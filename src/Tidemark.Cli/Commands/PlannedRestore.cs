using Microsoft.Extensions.Logging;
using Tidemark.Cli.Output;
using Tidemark.Formats;
using Tidemark.Replicas.Legacy;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Databases;

namespace Tidemark.Cli.Commands;

/// <summary>A state that can be restored, of one destination and in one format.</summary>
/// <param name="Store">The destination.</param>
internal abstract record PlannedRestore(IReplicaStore Store)
{
    /// <summary>Whether checksums prove that this has the state of the destination that it stands in for.</summary>
    public bool IsProvenToStandIn { get; init; }

    /// <summary>How messages and JSON call the format.</summary>
    public abstract string Format { get; }

    /// <summary>The state; null in a format without TXIDs.</summary>
    public abstract Txid? Txid { get; }

    /// <summary>The state, for people.</summary>
    public abstract string State { get; }

    /// <summary>When the state was captured.</summary>
    public abstract DateTimeOffset Created { get; }

    /// <summary>How many files are read, and how many bytes.</summary>
    public abstract (int Count, long SizeBytes) Files { get; }

    /// <summary>Which check of SQLite's the result gets unless the command line says otherwise.</summary>
    public virtual IntegrityCheckKind? CheckByDefault => null;

    /// <summary>Chooses the destinations that have the newest state that is asked for: the first is to be restored from, and the others
    /// stand in when that fails.</summary>
    /// <remarks>A destination that cannot be read is passed over with a warning while another one can. One that has another state under the
    /// same TXID does not stand in, and a warning tells of it.</remarks>
    /// <exception cref="NoMatchingBackupException">No destination has what is asked for.</exception>
    /// <exception cref="TidemarkException">No destination can be read.</exception>
    public static async Task<IReadOnlyList<PlannedRestore>> ChooseAsync(
        IReadOnlyList<IReplicaStore> stores, RestoreTarget target, RestoreWarnings warnings, CancellationToken cancellationToken)
    {
        var plans = new List<PlannedRestore>();
        var failures = new List<TidemarkException>();
        foreach (var store in stores)
        {
            try
            {
                plans.Add(await PlanAsync(store, target, warnings.Logger, cancellationToken));
            }
            catch (TidemarkException e) when (stores.Count > 1)
            {
                warnings.ReplicaPassedOver(store.Name, e);
                failures.Add(e);
            }
        }

        // A store that cannot be read, or whose place is missing, says more than an empty one: with it, nobody knows that there is no
        // backup.
        if (plans.Count == 0)
        {
            throw failures.Find(failure => failure is not NoMatchingBackupException)
                ?? failures.Find(failure => failure is NoMatchingBackupException { IsPlaceMissing: true })
                ?? failures[0];
        }

        var newest = plans.Aggregate((newest, plan) => plan.IsNewerThan(newest) ? plan : newest);
        var chosen = new List<PlannedRestore> { newest };
        foreach (var plan in plans.OfType<PlannedLtxRestore>().Where(plan => plan != newest))
        {
            var (agreement, txid) = newest is PlannedLtxRestore ltx
                ? await CompareAsync(ltx, plan, warnings, cancellationToken)
                : default;
            if (plan.Txid == newest.Txid && agreement != HistoryAgreement.Different)
            {
                chosen.Add(plan with { IsProvenToStandIn = agreement == HistoryAgreement.Same && txid == newest.Txid });
            }
        }

        return [.. chosen.OrderByDescending(plan => plan == newest).ThenByDescending(plan => plan.IsProvenToStandIn)];
    }

    /// <summary>Restores from the first destination, or when that fails from the next one that has the same state.</summary>
    /// <exception cref="TidemarkException">None of them can be restored from, or the output cannot be written.</exception>
    public static async ValueTask<RestoredDatabase> RestoreAsync(
        IReadOnlyList<PlannedRestore> plans, RestoreOptions options, RestoreWarnings warnings, CommandHost host,
        CancellationToken cancellationToken)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                return await plans[i].RestoreAsync(options, host, cancellationToken);
            }
            catch (TidemarkException e) when (e is not RestoreOutputException && i + 1 < plans.Count)
            {
                warnings.ReplicaPassedOver(plans[i].Store.Name, e);
                if (!plans[i + 1].IsProvenToStandIn)
                {
                    warnings.StandsInUnproven(plans[i + 1].Store.Name, plans[0].Store.Name, plans[0].State);
                }
            }
        }
    }

    /// <summary>Lets SQLite check a database; null for no check. See <see cref="RestoreOptions.Inspect"/>.</summary>
    /// <param name="kind">How thorough the check is.</param>
    /// <param name="name">How errors call the database, which lies under a temporary name then.</param>
    /// <param name="logger">Is told what cannot be checked here.</param>
    /// <param name="left">Gets what cannot be checked here, and nothing of an earlier call. Null to forget it.</param>
    public static Func<string, CancellationToken, ValueTask>? Inspection(
        IntegrityCheckKind? kind, string name, ILogger logger, List<string>? left = null) => kind is not { } known
        ? null
        : (path, token) =>
        {
            var found = IntegrityCheck.Run(path, known, name, token);
            left?.Clear();
            left?.AddRange(found);
            foreach (var what in found)
            {
                logger.NotChecked(name, what);
            }

            return ValueTask.CompletedTask;
        };

    /// <summary>Restores.</summary>
    public abstract ValueTask<RestoredDatabase> RestoreAsync(RestoreOptions options, CommandHost host, CancellationToken cancellationToken);

    /// <summary>Prints the plan for people.</summary>
    public abstract void PrintPlan(string source, string target, TextWriter output);

    /// <summary>Prints the plan for scripts.</summary>
    public abstract void PrintPlanAsJson(string source, string target, IReadOnlyList<string> warnings, TextWriter output);

    /// <summary>Prints the lines that begin every plan.</summary>
    protected void PrintHead(string source, string target, TextWriter output)
    {
        output.WriteLine("Restore plan:");
        output.WriteLine($"  source: {source}");
        output.WriteLine($"  target: {target}");
        output.WriteLine($"  replica: {ReplicaSource.KindOf(Store)}");
    }

    /// <summary>Prints the lines before the table of files.</summary>
    protected void PrintFilesHead(TextWriter output)
    {
        output.WriteLine($"  state: {State}, captured at {Rfc3339.FormatExactly(Created)}");
        output.WriteLine($"  to read: {Files.Count} files, {ByteSize.Format(Files.SizeBytes)}");
        output.WriteLine("  Whether the files are whole shows when they are read: tidemark verify does that.");
        output.WriteLine();
        output.WriteLine("Files to fetch:");
    }

    private static async Task<PlannedRestore> PlanAsync(
        IReplicaStore store, RestoreTarget target, ILogger logger, CancellationToken cancellationToken)
    {
        var files = await ReplicaListing.ReadAllAsync(store, cancellationToken);
        if (store is not ILegacyReplicaSource source || await source.ListLegacyAsync(cancellationToken) is not { Count: > 0 } legacyFiles)
        {
            return files.Count == 0
                ? throw NoMatchingBackupException.NoReplica(ReplicaAbsence.Of(store))
                : new PlannedLtxRestore(store, RestorePlan.From(files, target), new StateProof(store, files));
        }

        if (files.Count == 0 && target is RestoreTarget.AtTxid)
        {
            throw new TidemarkException(
                $"{store.Name} is a replica of Litestream 0.3, which has no TXIDs.", "Use -timestamp to restore an older state.");
        }

        var format = ReplicaFormatChoice.Between(files, legacyFiles, target);
        PlannedRestore plan = format == ReplicaFormat.Legacy
            ? new PlannedLegacyRestore(store, source, LegacyRestorePlan.From(legacyFiles, target))
            : new PlannedLtxRestore(store, RestorePlan.From(files, target), new StateProof(store, files));
        if (files.Count > 0)
        {
            logger.FormatChosen(store.Name, plan.Format);
        }

        return plan;
    }

    /// <summary>Compares what a destination tells of its newest states with what the one that goes further tells of them.</summary>
    private static async Task<(HistoryAgreement Agreement, Txid Txid)> CompareAsync(
        PlannedLtxRestore newest, PlannedLtxRestore other, RestoreWarnings warnings, CancellationToken cancellationToken)
    {
        try
        {
            var compared = await newest.Proof.CompareAsync(other.Proof, other.Plan.MaxTxid, cancellationToken);
            if (compared.Agreement == HistoryAgreement.Different)
            {
                warnings.HistoriesDiffer(newest, other, compared.Txid);
            }

            return compared;
        }
        catch (TidemarkException)
        {
            return default; // A store does not answer. Who reads from it learns that.
        }
    }

    // TXIDs tell which of two LTX replicas of one database is ahead. Between the formats there is only the time.
    private bool IsNewerThan(PlannedRestore other)
        => Txid is { } txid && other.Txid is { } otherTxid ? txid > otherTxid : Created > other.Created;
}
