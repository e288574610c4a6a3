using Microsoft.Extensions.Logging;
using Tidemark.Cli.Arguments;
using Tidemark.Cli.Configuration;
using Tidemark.Cli.Logging;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Formats;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;

namespace Tidemark.Cli.Commands;

/// <summary><c>tidemark replicate</c>.</summary>
internal sealed class ReplicateCommand : Command
{
    private readonly ConfigFlags _config;
    private readonly FlagOf<string> _exec;
    private readonly FlagOf<bool> _audits;
    private readonly FlagOf<bool> _enforcesRetention;
    private readonly FlagOf<bool> _forcesSnapshot;
    private readonly FlagOf<bool> _isOnce;
    private readonly FlagOf<bool> _isRestoredIfMissing;
    private readonly FlagOf<LogLevel?> _logLevel;
    private readonly FlagOf<bool> _refills;
    private readonly FlagOf<bool> _takesOver;

    /// <summary>Declares the flags.</summary>
    public ReplicateCommand()
        : base("replicate", "Replicates databases until it is told to stop")
    {
        _isOnce = Flags.Switch("once", "Capture and upload everything once, then end.");
        _forcesSnapshot = Flags.Switch("force-snapshot", "With -once: upload a snapshot of each database too.");
        _enforcesRetention = Flags.Switch("enforce-retention",
            "With -once: then compact, and delete files that no promised restore needs (see retention in the configuration).");
        _refills = Flags.Switch("refill",
            "With -once: go on with a destination that has lost what it held, all of it or the newest part. Without it, that is an error.");
        _takesOver = Flags.Switch("take-over",
            "With -once: take a destination over from another writer that may still run, or from another database's history.");
        _audits = Flags.Switch("audit",
            "With -once: read each database and compare it with what was captured. Pages that differ are uploaded, and the exit code is 1.");
        _exec = Flags.Text("exec", "CMD",
            "Run this command beside the replication: it gets every signal, and its end is the end, with its exit code.");
        _isRestoredIfMissing = Flags.Switch("restore-if-db-not-exists", 
            "First restore databases that do not exist, if there is a backup. A place that is missing is warned of.");
        _config = new ConfigFlags(Flags);
        _logLevel = Flags.Value<LogLevel?>("log-level", "LEVEL",
            "Write events from this level: trace, debug, info, warn or error. info unless given.",
            initial: null, text => LogLevelName.TryParse(text, out var level) ? level
                : throw new FormatException("must be trace, debug, info, warn or error"));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["[flags] DB_PATH REPLICA...", "[flags] [-config PATH]"];

    /// <inheritdoc/>
    public override string Description =>
        """
        SIGINT or SIGTERM ends it after a last capture and upload, with exit code 0 when everything is in every
        replica; a second signal cuts this short. Each REPLICA, a URL or a folder, is a destination of its own: a slow one
        holds back no other.
        """;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "tidemark replicate /var/lib/app.db /backup/app",
        "tidemark replicate -once app.db file:///backup/app",
        "tidemark replicate -exec 'myapp -port 8080' -config /etc/tidemark.yml",
    ];

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        var config = positionals.Count == 0 ? _config.Read(host) : FromArguments(positionals, host);
        var exec = _exec.IsSet ? _exec.Value : config.Exec;
        if (_isOnce.Value && exec is not null)
        {
            throw Misuse("cannot specify -once flag with -exec");
        }

        if (!_isOnce.Value && _forcesSnapshot.Value)
        {
            throw Misuse("cannot specify -force-snapshot flag without -once");
        }

        if (!_isOnce.Value && _enforcesRetention.Value)
        {
            throw Misuse("cannot specify -enforce-retention flag without -once");
        }

        if (!_isOnce.Value && _refills.Value)
        {
            throw Misuse("cannot specify -refill flag without -once");
        }

        if (!_isOnce.Value && _takesOver.Value)
        {
            throw Misuse("cannot specify -take-over flag without -once");
        }

        if (!_isOnce.Value && _audits.Value)
        {
            throw Misuse("cannot specify -audit flag without -once");
        }

        var words = exec is null ? null
            : ExecWords.Parse(exec, "tidemark replicate -exec 'myapp -flag value' DB_PATH REPLICA_URL");
        if (config.Databases.Count == 0)
        {
            throw new ConfigException("no databases specified in configuration", "List them under dbs.");
        }

        DatabaseOptions[] databases = [.. config.Databases.Select(database => Options(database, config, host))];
        using var loggers = LogSetup.Create(config.Logging, _logLevel.Value, host);
        var logger = loggers.CreateLogger("replicate");
        using var interruption = Interruption.Register(host.Time, _isOnce.Value ? null : logger.HangupIgnored);
        logger.Started(VersionCommand.Text);
        foreach (var warning in config.Warnings)
        {
            logger.ConfigWarning(warning);
        }

        if (!config.IsRetentionEnabled)
        {
            logger.RetentionDisabled();
        }

        try
        {
            await RestoreMissingAsync(config, logger, host, interruption.Stopping);
            var replicator = new Replicator(databases, host.Files, host.Time, loggers);
            if (_isOnce.Value)
            {
                var once = new OnceOptions
                {
                    ForcesSnapshot = _forcesSnapshot.Value, EnforcesRetention = _enforcesRetention.Value, Audits = _audits.Value,
                };
                await replicator.RunOnceAsync(once, interruption.Stopping);
                return ExitCode.Done;
            }

            if (words is not null)
            {
                return await RunWithChildAsync(replicator, words, logger, interruption, host.Time);
            }

            using var notice = interruption.Stopping.Register(logger.Stopping);
            await replicator.RunAsync(interruption.Stopping, interruption.CutShort);
            logger.Stopped();
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (interruption.SignalNumber is { } number)
        {
            await host.Error.WriteLineAsync("Error: interrupted; what is not in every replica yet is left for the next run");
            return ExitCode.OfSignal(number);
        }
    }

    private static async Task<int> RunWithChildAsync(
        Replicator replicator, IReadOnlyList<string> words, ILogger logger, Interruption interruption, TimeProvider time)
    {
        using var child = ChildProcess.Start(words);
        interruption.LeaveToChild();
        using var insistence = interruption.CutShort.Register(() => _ = child.KillAfterAsync(ChildProcess.InsistedGrace, time));
        using var stopping = new CancellationTokenSource();
        var end = child.WaitAsync();
        try
        {
            logger.ChildStarted(words[0], child.Id);
            if (interruption.Stopping.IsCancellationRequested && !child.HasGotSignal)
            {
                child.Terminate(); // The signal came before there was a child that could get it.
            }

            var replication = Task.Run(() => replicator.RunAsync(stopping.Token, interruption.CutShort));
            if (await Task.WhenAny(end, replication) == replication)
            {
                // Replication ends by itself only when it cannot go on. An application without its backup is what nobody asked for.
                logger.ReplicationEndsChild(replication.Exception?.InnerException?.Message ?? "it has ended.");
                await child.StopAsync(ChildProcess.Grace, time);
                logger.ChildEnded(words[0], await end);
                await replication;
                return ExitCode.Failed;
            }

            interruption.TakeBack();
            logger.ChildEnded(words[0], await end);
            await stopping.CancelAsync();
            await replication;
        }
        catch (TidemarkException e)
            when (stopping.IsCancellationRequested && end is { IsCompletedSuccessfully: true, Result: not ExitCode.Done })
        {
            // The child's code goes first, and the failure must not get lost beside it.
            logger.ReplicationFailed(e.Message);
        }
        finally
        {
            await child.StopAsync(ChildProcess.Grace, time); // Whatever has happened, it does not outlive this process.
        }

        return await end;
    }

    private TidemarkConfig FromArguments(IReadOnlyList<string> positionals, CommandHost host)
    {
        if (_config.IsGiven)
        {
            throw Misuse("cannot specify a replica URL and the -config flag");
        }

        if (ReplicaSource.IsReplica(positionals[0], host))
        {
            var path = positionals.Skip(1).FirstOrDefault(argument => !ReplicaSource.IsUrl(argument)) ?? "/path/to/db";
            var what = ReplicaSource.IsUrl(positionals[0]) ? "" : $"{positionals[0]} is a folder: ";
            throw Misuse($"{what}the database comes first, then the replica", $"tidemark replicate {path} {positionals[0]}");
        }

        if (positionals is not [{ Length: > 0 } database, _, ..])
        {
            throw Misuse($"must specify at least one replica URL or folder for {positionals[0]}",
                $"tidemark replicate {positionals[0]} /path/to/replica");
        }

        database = PathExpansion.Expand(database, host.Variable);
        ReplicaPlace[] replicas = [.. positionals.Skip(1).Select(replica => ReplicaSource.Find(replica, host))];
        var places = new TakenPlaces(host.Files);
        IEnumerable<string?> problems =
        [
            places.TakeDatabase(database), places.TakeSpool(DatabaseOptions.DefaultSpoolPath(database, host.Files)),
            .. replicas.Select(replica => places.TakeDestination(replica.Folder)),
        ];
        if (problems.FirstOrDefault(text => text is not null) is { } problem)
        {
            throw new ConfigException(problem, "Give each destination a place of its own.");
        }

        return new TidemarkConfig
        {
            Databases =
            [
                new DatabaseConfig
                {
                    Path = database,
                    Replicas = [.. replicas.Select(replica => new ReplicaConfig { Folder = replica.Folder })],
                },
            ],
            Warnings = [.. replicas.SelectMany(replica => replica.Warnings)],
        };
    }

    private async Task RestoreMissingAsync(TidemarkConfig config, ILogger logger, CommandHost host, CancellationToken cancellationToken)
    {
        foreach (var database in config.Databases.Where(database => database.IsRestoredIfMissing || _isRestoredIfMissing.Value))
        {
            if (host.Files.FileExists(database.Path))
            {
                logger.DatabaseExists(database.Path);
                continue;
            }

            try
            {
                var warnings = new RestoreWarnings(logger);
                var plans = await PlannedRestore.ChooseAsync(
                    ReplicaSource.Open(database, host), new RestoreTarget.Latest(), warnings, cancellationToken);
                logger.Restoring(database.Path, plans[0].Store.Name, plans[0].State, Rfc3339.FormatExactly(plans[0].Created));
                var options = new RestoreOptions
                {
                    OutputPath = database.Path,
                    Inspect = PlannedRestore.Inspection(plans[0].CheckByDefault, database.Path, logger),
                    OnDamagedFile = warnings.FilePassedOver,
                };
                var result = await PlannedRestore.RestoreAsync(plans, options, warnings, host, cancellationToken);
                logger.Restored(
                    database.Path, result.State.State, result.SizeBytes, ElapsedTime.Format(result.Elapsed), Log.Proof(result.IsProven));
            }
            catch (NoMatchingBackupException e)
            {
                logger.NoBackup(database.Path, e);
            }
        }
    }

    private DatabaseOptions Options(DatabaseConfig database, TidemarkConfig config, CommandHost host) => new()
    {
        HasProcessToItself = true,
        DatabasePath = database.Path,
        SpoolPath = database.MetaPath,
        Destinations = ReplicaSource.Open(database, host),
        // One capture serves all destinations, so the most eager of them sets the pace.
        SyncInterval = database.Replicas.Min(replica => replica.SyncInterval),
        MonitorInterval = database.MonitorInterval,
        CheckpointInterval = database.CheckpointInterval,
        CheckpointPages = database.MinCheckpointPageCount,
        CaptureBytesMax = database.MaxSyncWalBytes,
        SpoolBytesMax = database.MaxSpoolBytes,
        CompactionIntervals = config.CompactionIntervals,
        SnapshotInterval = database.Snapshot.Interval,
        SnapshotRetention = database.Snapshot.Retention,
        L0Retention = config.L0Retention,
        L0RetentionCheckInterval = config.L0RetentionCheckInterval,
        IsRetentionEnabled = config.IsRetentionEnabled,
        AuditInterval = database.AuditInterval,
        ClaimCheckInterval = database.ClaimCheckInterval,
        RefillsDestinations = _refills.Value,
        TakesOverDestinations = _takesOver.Value,
        BusyTimeout = database.BusyTimeout,
        ShutdownTimeout = config.ShutdownSyncTimeout,
        ShutdownRetryInterval = config.ShutdownSyncInterval,
    };
}
