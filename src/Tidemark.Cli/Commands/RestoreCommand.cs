using Microsoft.Extensions.Logging;
using Tidemark.Cli.Arguments;
using Tidemark.Cli.Configuration;
using Tidemark.Cli.Logging;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Formats;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Restore;
using Tidemark.Replication.Databases;

namespace Tidemark.Cli.Commands;

/// <summary><c>tidemark restore</c>.</summary>
internal sealed class RestoreCommand : Command
{
    private readonly ConfigFlags _config;
    private readonly FlagOf<string> _output;
    private readonly FlagOf<Txid> _txid;
    private readonly FlagOf<DateTimeOffset?> _timestamp;
    private readonly FlagOf<bool> _isSkippedIfDatabaseExists;
    private readonly FlagOf<bool> _isSkippedWithoutReplica;
    private readonly FlagOf<bool> _isForced;
    private readonly FlagOf<bool> _isForcedInUse;
    private readonly FlagOf<bool> _isDryRun;
    private readonly FlagOf<bool> _isJson;
    private readonly FlagOf<IntegrityCheckKind?> _integrityCheck;
    private readonly FlagOf<int> _parallelism;
    private readonly FlagOf<bool> _isFollowing;
    private readonly FlagOf<TimeSpan> _followInterval;
    private readonly FlagOf<string> _exec;

    /// <summary>Declares the flags.</summary>
    public RestoreCommand()
        : base("restore", "Restores a database from a replica")
    {
        _output = Flags.Text("o", "PATH",
            "Where the database is written. The path of the database itself unless given; required with a replica.");
        _txid = Flags.Value("txid", "TXID", "Restore the state right after this TXID, 16 hexadecimal digits. The latest state unless given; all zeros mean the same.", Txid.None, FlagValue.Txid);
        _timestamp = Flags.Value<DateTimeOffset?>("timestamp", "TIME",
            "Restore the newest state from before this moment: 2026-01-31T12:00:00.5+01:00, 2026-01-31 12:00, or 2026-01-31 for its "
            + "midnight. UTC unless it has an offset.",
            initial: null, text => FlagValue.Timestamp(text));
        _isSkippedIfDatabaseExists = Flags.Switch("if-db-not-exists", "Do nothing, and succeed, if the output exists.");
        _isSkippedWithoutReplica = Flags.Switch("if-replica-exists",
            "Do nothing, and succeed, if there is no backup. A place that is missing is warned of.");
        _isForced = Flags.Switch("force", "Replace an existing output, once its successor is complete. One that a program has open is refused.");
        _isForcedInUse = Flags.Switch("force-in-use",
            "As -force, also an output that a program has open. What that program writes from then on is lost, and can damage the new one.");
        _isDryRun = Flags.Switch("dry-run", "Print which files would be read, and restore nothing.");
        _isJson = Flags.Switch("json", "Print a summary, or with -dry-run the plan, as JSON. The log goes to standard error.");
        _integrityCheck = Flags.Value<IntegrityCheckKind?>("integrity-check", "KIND",
            "Let SQLite check the result before it gets its name: none, quick or full. none unless given; full for replicas of "
            + "Litestream 0.3, which have no checksum of the database.",
            initial: null, ParseIntegrityCheck);
        _parallelism = Flags.Value("parallelism", "N",
            "How many reads of the replica are underway at once, and at most how many cores expand pages. All cores, and at least 8 reads, "
            + "unless given.",
            RestoreOptions.ParallelismDefault, FlagValue.PositiveInteger);
        _isFollowing = Flags.Switch("f", "Keep the output up to date with the replica until it is told to stop. It may be read meanwhile.");
        _followInterval = Flags.Value("follow-interval", "TIME", "With -f: how often to look for something new. 1s unless given.",
            TimeSpan.FromSeconds(1), FlagValue.PollInterval);
        _exec = Flags.Text("exec", "CMD",
            "With -f: run this command once the output can be read: it gets every signal, and its end is the end, with its exit code.");
        _config = new ConfigFlags(Flags);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["[flags] DB_PATH", "[flags] -o PATH REPLICA", "-f [flags] -o PATH REPLICA"];

    /// <inheritdoc/>
    public override string Description =>
        """
        DB_PATH is looked up in the configuration file; REPLICA is a URL or a folder.
        Of several destinations, the one with the newest state is used; where it is damaged, another one that has the same state.
        An output that a program has open is not replaced.
        Replicas of Litestream 0.3 are restored as well; where both formats are, the one with the newest file is used.
        The output gets its name only when it is complete and proven; an existing file stays untouched until then.

        With -f, an output that was followed before goes on from its state; one of which nothing tells the state is an error
        without -force. SIGINT or SIGTERM ends it with exit code 0.

        The variable LOG_LEVEL says which events are written: trace, debug, info, warn or error. info unless set.
        """;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "tidemark restore -o app.db /backup/app",
        "tidemark restore -timestamp 2026-01-31T12:00:00Z -o then.db /var/lib/app.db",
        "tidemark restore -f -exec 'myapp -port 8080' -o copy.db file:///backup/app",
        "tidemark restore -if-db-not-exists -if-replica-exists /var/lib/app.db",
    ];

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        var argument = DatabaseOrReplica(positionals, "tidemark restore -o /path/to/db file:///path/to/replica");
        if (_output.Value.Length == 0 && ReplicaSource.IsReplica(argument, host))
        {
            throw Misuse("-o is required when restoring from a replica URL or folder", $"tidemark restore -o /path/to/db {argument}");
        }

        var target = Target();
        ThrowIfContradicting();
        var exec = _exec.IsSet ? ExecWords.Parse(_exec.Value, "tidemark restore -f -exec 'myapp -flag value' -o PATH REPLICA_URL") : null;
        using var loggers = LogSetup.Create(new LoggingConfig { IsToStandardError = _isJson.Value }, flag: null, host);
        var logger = loggers.CreateLogger("restore");
        var source = ReplicaSource.Resolve(argument, _config, host, isDatabase: _output.Value.Length == 0);
        var output = _output.Value.Length > 0 ? Path.GetFullPath(_output.Value) : source.DatabasePath!;
        if (_isSkippedIfDatabaseExists.Value && (host.Files.FileExists(output) || host.Files.DirectoryExists(output)))
        {
            logger.DatabaseExists(output);
            return ExitCode.Done;
        }

        foreach (var warning in source.Warnings)
        {
            logger.ConfigWarning(warning);
        }

        using var interruption = Interruption.Register(host.Time, _isFollowing.Value ? logger.HangupIgnored : null);
        try
        {
            if (_isFollowing.Value)
            {
                return await new FollowRun(source.Stores, FollowOptions(output, logger), exec, logger, host).RunAsync(interruption);
            }

            var warnings = new RestoreWarnings(logger);
            var plans = await PlannedRestore.ChooseAsync(source.Stores, target, warnings, interruption.Stopping);
            if (!_isDryRun.Value)
            {
                await RestoreAsync(plans, output, warnings, host, interruption.Stopping);
            }
            else if (_isJson.Value)
            {
                plans[0].PrintPlanAsJson(argument, output, warnings.Messages, host.Output);
            }
            else
            {
                plans[0].PrintPlan(argument, output, host.Output);
            }

            return ExitCode.Done;
        }
        catch (NoMatchingBackupException e) when (_isSkippedWithoutReplica.Value)
        {
            logger.NoBackup(output, e);
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (interruption.SignalNumber is { } number)
        {
            await host.Error.WriteLineAsync("Error: interrupted; nothing was written under the name of the output");
            return ExitCode.OfSignal(number);
        }
    }

    private static IntegrityCheckKind? ParseIntegrityCheck(string text) => text switch
    {
        "none" => null,
        "quick" => IntegrityCheckKind.Quick,
        "full" => IntegrityCheckKind.Full,
        _ => throw new FormatException("must be none, quick or full"),
    };

    private RestoreTarget Target()
    {
        if (_txid.IsSet && !_txid.Value.IsNone)
        {
            return _timestamp.IsSet ? throw Misuse("cannot specify both -txid and -timestamp") : new RestoreTarget.AtTxid(_txid.Value);
        }

        return _timestamp.Value is { } moment ? new RestoreTarget.Before(moment) : new RestoreTarget.Latest();
    }

    private void ThrowIfContradicting()
    {
        if (!_isFollowing.Value)
        {
            if (_exec.IsSet)
            {
                throw Misuse("cannot use -exec without -f");
            }

            if (_followInterval.IsSet)
            {
                throw Misuse("cannot use -follow-interval without -f");
            }

            return;
        }

        if (_txid.IsSet && !_txid.Value.IsNone)
        {
            throw Misuse("cannot use follow mode with -txid");
        }

        if (_timestamp.Value is not null)
        {
            throw Misuse("cannot use follow mode with -timestamp");
        }

        if (_isDryRun.Value)
        {
            throw Misuse("cannot use -dry-run with -f");
        }

        if (_isSkippedIfDatabaseExists.Value)
        {
            throw Misuse("cannot use -if-db-not-exists with -f, which goes on with what is there");
        }

        if (_isJson.Value)
        {
            throw Misuse("cannot use -json with -f, which has no end to sum up");
        }
    }

    private FollowOptions FollowOptions(string output, ILogger logger) => new()
    {
        OutputPath = output,
        Overwrite = _isForced.Value || _isForcedInUse.Value,
        OverwriteOpen = _isForcedInUse.Value,
        Interval = _followInterval.Value,
        Parallelism = _parallelism.Value,
        Inspect = PlannedRestore.Inspection(_integrityCheck.Value, output, logger),
    };

    private async Task RestoreAsync(
        IReadOnlyList<PlannedRestore> plans, string output, RestoreWarnings warnings, CommandHost host,
        CancellationToken cancellationToken)
    {
        var plan = plans[0];
        warnings.Logger.Restoring(output, plan.Store.Name, plan.State, Rfc3339.FormatExactly(plan.Created));
        var check = _integrityCheck.IsSet ? _integrityCheck.Value : plan.CheckByDefault;
        var left = new List<string>();
        using var progress = host.IsErrorTerminal ? new ProgressLine(host.Error, host.Time) : null;
        var result = await PlannedRestore.RestoreAsync(
            plans,
            new RestoreOptions
            {
                OutputPath = output,
                Overwrite = _isForced.Value || _isForcedInUse.Value,
                OverwriteOpen = _isForcedInUse.Value,
                Parallelism = _parallelism.Value,
                Progress = progress,
                Inspect = PlannedRestore.Inspection(check, output, warnings.Logger, left),
                OnDamagedFile = warnings.FilePassedOver,
            },
            warnings,
            host,
            cancellationToken);
        progress?.Dispose();
        var state = result.State;
        warnings.Logger.Restored(
            output, state.State, result.SizeBytes, ElapsedTime.Format(result.Elapsed), Log.Proof(result.IsProven));
        if (_isJson.Value)
        {
            JsonDocuments.Write(host.Output, new RestoreDocument(
                output, ReplicaSource.KindOf(state.Store), state.Txid?.ToString() ?? "", (long)result.Elapsed.TotalMilliseconds,
                NameOf(check), state.Format, Rfc3339.FormatExactly(state.Created), result.SizeBytes, result.BytesRead, result.IsProven,
                warnings.Messages, left));
        }
    }

    private static string NameOf(IntegrityCheckKind? kind) => kind switch
    {
        IntegrityCheckKind.Quick => "quick",
        IntegrityCheckKind.Full => "full",
        _ => "none",
    };
}
