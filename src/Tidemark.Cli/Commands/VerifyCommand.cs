using Tidemark.Cli.Arguments;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Formats;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Verification;
using Tidemark.Replication;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Health;

namespace Tidemark.Cli.Commands;

/// <summary><c>tidemark verify</c>.</summary>
internal sealed class VerifyCommand : Command
{
    private readonly ConfigFlags _config;
    private readonly FlagOf<Txid> _txid;
    private readonly FlagOf<DateTimeOffset?> _timestamp;
    private readonly FlagOf<bool> _includesSnapshots;
    private readonly FlagOf<bool> _isFull;
    private readonly FlagOf<bool> _isJson;
    private readonly FlagOf<int> _parallelism;

    /// <summary>Declares the flags.</summary>
    public VerifyCommand()
        : base("verify", "Checks a replica without restoring it")
    {
        _txid = Flags.Value("txid", "TXID", "Check that this state can be restored. The latest unless given; all zeros mean the same.", Txid.None, FlagValue.Txid);
        _timestamp = Flags.Value<DateTimeOffset?>("timestamp", "TIME",
            "Check that the newest state from before this moment can be restored. UTC unless it has an offset.",
            initial: null, text => FlagValue.Timestamp(text));
        _includesSnapshots = Flags.Switch("all", "Check the states of all snapshots as well.");
        _isFull = Flags.Switch("full",
            "Restore each of these states to a temporary folder, let SQLite check it, and remove it again. TMPDIR says where.");
        _isJson = Flags.Switch("json", "Print JSON.");
        _parallelism = Flags.Value("parallelism", "N",
            "How many reads of the replica are underway at once, and at most how many cores check. All cores, and at least 8 reads, "
            + "unless given.",
            RestoreOptions.ParallelismDefault, FlagValue.PositiveInteger);
        _config = new ConfigFlags(Flags);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["[flags] DB_PATH", "[flags] REPLICA"];

    /// <inheritdoc/>
    public override string Description =>
        """
        Reads every file of the replica and checks its checksums, checks that the files fit together, and puts the state
        together without writing it. Nothing is changed, and a replica that is in use can be checked.
        DB_PATH is looked up in the configuration file; then all of its destinations are checked, and compared with each other.
        REPLICA is a URL or a folder.
        Replicas of Litestream 0.3 are checked as well.
        The exit code is 0 only if everything is right, and 2 if nothing is wrong, but -full could not check everything:
        SQLite needs a collation, a function or a module for it that only the application has.
        """;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "tidemark verify /backup/app",
        "tidemark verify -full -all /var/lib/app.db",
    ];

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        var argument = DatabaseOrReplica(positionals, "tidemark verify file:///path/to/replica");
        var target = Target();
        var source = ReplicaSource.Resolve(argument, _config, host);
        source.TellWarnings(host.Error);
        using var interruption = Interruption.Register();
        using var scratch = _isFull.Value ? ScratchFolder.Create("tidemark-verify-") : null;
        try
        {
            return await RunAsync(source, target, scratch?.Path, host, interruption.Stopping);
        }
        catch (OperationCanceledException) when (interruption.SignalNumber is { } number)
        {
            await host.Error.WriteLineAsync("Error: interrupted before everything was checked; nothing was changed");
            return ExitCode.OfSignal(number);
        }
    }

    private async Task<int> RunAsync(
        ReplicaSource source, RestoreTarget target, string? scratch, CommandHost host, CancellationToken cancellationToken)
    {
        var audit = ReadAudit(source, host);
        var reports = new List<(string Name, VerificationReport Report)>();
        var legacy = new List<(string Name, LegacyVerificationReport Report)>();
        try
        {
            foreach (var store in source.Stores)
            {
                await VerifyAsync(store, target, scratch, reports, legacy, host, cancellationToken);
            }
        }
        catch (TidemarkException) when (!_isJson.Value)
        {
            Print(reports, legacy, source, audit, host); // What was found in the others took its time.
            throw;
        }

        Compare(reports);
        Print(reports, legacy, source, audit, host);
        var isSound = reports.TrueForAll(entry => entry.Report.IsSound) && legacy.TrueForAll(entry => entry.Report.IsSound);
        var isComplete = reports.TrueForAll(entry => entry.Report.IsComplete) && legacy.TrueForAll(entry => entry.Report.IsComplete);
        return !isSound ? ExitCode.Failed : isComplete ? ExitCode.Done : ExitCode.NotAllChecked;
    }

    private async Task VerifyAsync(
        IReplicaStore store, RestoreTarget target, string? scratch, List<(string Name, VerificationReport Report)> reports,
        List<(string Name, LegacyVerificationReport Report)> legacy, CommandHost host, CancellationToken cancellationToken)
    {
        using var progress = host.IsErrorTerminal ? new ProgressLine(host.Error, host.Time, "verifying") : null;
        var options = new VerifyOptions
        {
            Targets = [target],
            IncludesSnapshots = _includesSnapshots.Value,
            Parallelism = _parallelism.Value,
            Progress = progress,
            Scratch = scratch is null ? null : new ScratchDatabase(
                host.Files, Path.Combine(scratch, "state.db"),
                (path, token) => ValueTask.FromResult(IntegrityCheck.Run(path, IntegrityCheckKind.Full, store.Name, token))),
        };
        var legacySource = store as ILegacyReplicaSource;
        var hasLegacy = legacySource is not null && (await legacySource.ListLegacyAsync(cancellationToken)).Count > 0;
        if (!hasLegacy || (await ReplicaListing.ReadAllAsync(store, cancellationToken)).Count > 0)
        {
            reports.Add((store.Name, await new VerifyStep(store, host.Time).RunAsync(options, cancellationToken)));
        }

        if (hasLegacy && target is RestoreTarget.AtTxid)
        {
            if (reports is not [.., var last] || last.Name != store.Name)
            {
                throw new TidemarkException(
                    $"{store.Name} is a replica of Litestream 0.3, which has no TXIDs.", "Use -timestamp to check an older state.");
            }
        }
        else if (hasLegacy)
        {
            legacy.Add((store.Name, await new LegacyVerifyStep(legacySource!, host.Time).RunAsync(target, options, cancellationToken)));
        }
    }

    private static void Compare(List<(string Name, VerificationReport Report)> reports)
    {
        var found = DestinationComparison.Run(reports);
        for (var i = 0; i < reports.Count; i++)
        {
            var (name, report) = reports[i];
            reports[i] = (name, report with { Findings = [.. report.Findings, .. found[i]] });
        }
    }

    private void Print(
        List<(string Name, VerificationReport Report)> reports, List<(string Name, LegacyVerificationReport Report)> legacy,
        ReplicaSource source, AuditStatus? audit, CommandHost host)
    {
        if (_isJson.Value)
        {
            JsonDocuments.Write<IReadOnlyList<VerifyDocument>>(
                host.Output,
                [
                    .. reports.Select(entry => VerifyDocument.From(entry.Name, entry.Report, audit)),
                    .. legacy.Select(entry => VerifyDocument.From(entry.Name, entry.Report)),
                ]);
            return;
        }

        reports.ForEach(entry => VerifyText.Write(host.Output, entry.Name, entry.Report));
        legacy.ForEach(entry => VerifyText.Write(host.Output, entry.Name, entry.Report));
        if (audit is not null)
        {
            VerifyText.Write(host.Output, source.DatabasePath!, audit);
        }
    }

    // What is read here says that the files fit together; that they are the database, the last audit says.
    private static AuditStatus? ReadAudit(ReplicaSource source, CommandHost host)
    {
        try
        {
            return source.DatabasePath is { } path ? Replicator.ReadLastAudit(path, source.SpoolPath, host.Files) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // Whoever checks a replica need not be able to read the spool.
        }
    }

    private RestoreTarget Target()
    {
        if (_txid.IsSet && !_txid.Value.IsNone)
        {
            return _timestamp.IsSet ? throw Misuse("cannot specify both -txid and -timestamp") : new RestoreTarget.AtTxid(_txid.Value);
        }

        return _timestamp.Value is { } moment ? new RestoreTarget.Before(moment) : new RestoreTarget.Latest();
    }
}
