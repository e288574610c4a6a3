using System.Globalization;
using Microsoft.Extensions.Logging;
using Tidemark.Cli.Arguments;
using Tidemark.Cli.Configuration;
using Tidemark.Cli.Logging;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Formats;
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
    private readonly FlagOf<bool> _isDryRun;
    private readonly FlagOf<bool> _isJson;
    private readonly FlagOf<IntegrityCheckKind?> _integrityCheck;
    private readonly FlagOf<int> _parallelism;

    /// <summary>Declares the flags.</summary>
    public RestoreCommand()
        : base("restore", "Restores a database from a replica")
    {
        _output = Flags.Text("o", "PATH",
            "Where the database is written. The path of the database itself unless given; required with a URL.");
        _txid = Flags.Value("txid", "TXID", "Restore the state right after this TXID, 16 hexadecimal digits.", Txid.None, FlagValue.Txid);
        _timestamp = Flags.Value<DateTimeOffset?>("timestamp", "TIME",
            "Restore the newest state from before this moment, for example 2026-01-31T12:00:00Z.",
            initial: null, text => FlagValue.Timestamp(text));
        _isSkippedIfDatabaseExists = Flags.Switch("if-db-not-exists", "Do nothing, and succeed, if the output exists.");
        _isSkippedWithoutReplica = Flags.Switch("if-replica-exists", "Do nothing, and succeed, if there is no backup.");
        _isForced = Flags.Switch("force", "Replace an existing output, once its successor is complete.");
        _isDryRun = Flags.Switch("dry-run", "Print which files would be read, and restore nothing.");
        _isJson = Flags.Switch("json", "Print a summary, or with -dry-run the plan, as JSON. The log goes to standard error.");
        _integrityCheck = Flags.Value<IntegrityCheckKind?>("integrity-check", "KIND",
            "Let SQLite check the result before it gets its name: none, quick or full. none unless given.",
            initial: null, ParseIntegrityCheck);
        _parallelism = Flags.Value("parallelism", "N", "How many cores expand and check pages. All unless given.",
            Environment.ProcessorCount, FlagValue.PositiveInteger);
        _config = new ConfigFlags(Flags);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["[flags] DB_PATH", "[flags] -o PATH REPLICA_URL"];

    /// <inheritdoc/>
    public override string Description =>
        """
        DB_PATH is looked up in the configuration file. Of several destinations, the one with the newest state is used.
        The output gets its name only when it is complete and proven; an existing file stays untouched until then.
        """;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "tidemark restore -o app.db file:///backup/app",
        "tidemark restore -timestamp 2026-01-31T12:00:00Z -o then.db /var/lib/app.db",
        "tidemark restore -if-db-not-exists -if-replica-exists /var/lib/app.db",
    ];

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        if (positionals is not [{ Length: > 0 } argument])
        {
            throw positionals.Count > 1
                ? Misuse("too many arguments")
                : Misuse("database path or replica URL required", "tidemark restore -o /path/to/db file:///path/to/replica");
        }

        if (ReplicaSource.IsUrl(argument) && _output.Value.Length == 0)
        {
            throw Misuse("-o is required when restoring from a replica URL", $"tidemark restore -o /path/to/db {argument}");
        }

        var target = Target();
        using var loggers = LogSetup.Create(new LoggingConfig { IsToStandardError = _isJson.Value }, flag: null, host);
        var logger = loggers.CreateLogger("restore");
        var source = ReplicaSource.Resolve(argument, _config, host);
        var output = _output.Value.Length > 0 ? Path.GetFullPath(_output.Value) : source.DatabasePath!;
        if (_isSkippedIfDatabaseExists.Value && (host.Files.FileExists(output) || host.Files.DirectoryExists(output)))
        {
            logger.DatabaseExists(output);
            return ExitCode.Done;
        }

        using var interruption = Interruption.Register();
        try
        {
            var replica = await NewestReplica.ChooseAsync(source.Stores, target, logger, interruption.Stopping);
            if (_isDryRun.Value)
            {
                PrintPlan(argument, output, replica, host.Output);
            }
            else
            {
                await RestoreAsync(replica, output, logger, host, interruption.Stopping);
            }

            return ExitCode.Done;
        }
        catch (NoMatchingBackupException) when (_isSkippedWithoutReplica.Value)
        {
            logger.NoBackup(output);
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

    private async Task RestoreAsync(
        NewestReplica replica, string output, ILogger logger, CommandHost host, CancellationToken cancellationToken)
    {
        logger.Restoring(output, replica.Store.Name);
        using var progress = host.IsErrorTerminal ? new ProgressLine(host.Error, host.Time) : null;
        var result = await new RestoreStep(replica.Store, host.Files, host.Time).RunAsync(
            replica.Plan,
            new RestoreOptions
            {
                OutputPath = output,
                Overwrite = _isForced.Value,
                Parallelism = _parallelism.Value,
                Progress = progress,
                Inspect = _integrityCheck.Value is { } kind ? (path, _) => Check(path, kind) : null,
            },
            cancellationToken);
        progress?.Dispose();
        logger.Restored(output, result.Txid, result.SizeBytes, result.IsProven, result.Elapsed);
        if (_isJson.Value)
        {
            JsonDocuments.Write(host.Output, new RestoreDocument(
                output, ReplicaSource.KindOf(replica.Store), result.Txid.ToString(), (long)result.Elapsed.TotalMilliseconds,
                    NameOf(_integrityCheck.Value)));
        }
    }

    private static ValueTask Check(string path, IntegrityCheckKind kind)
    {
        IntegrityCheck.Run(path, kind);
        return ValueTask.CompletedTask;
    }

    private static string NameOf(IntegrityCheckKind? kind) => kind switch
    {
        IntegrityCheckKind.Quick => "quick",
        IntegrityCheckKind.Full => "full",
        _ => "none",
    };

    private void PrintPlan(string source, string target, NewestReplica replica, TextWriter output)
    {
        var (kind, plan) = (ReplicaSource.KindOf(replica.Store), replica.Plan);
        if (_isJson.Value)
        {
            JsonDocuments.Write(output, new RestorePlanDocument(
                source, target, kind, plan.MinTxid.ToString(), plan.MaxTxid.ToString(), [.. plan.Files.Select(PlannedFileDocument.From)]));
            return;
        }

        output.WriteLine("Restore plan:");
        output.WriteLine($"  source: {source}");
        output.WriteLine($"  target: {target}");
        output.WriteLine($"  replica: {kind}");
        output.WriteLine($"  txid range: {plan.MinTxid} - {plan.MaxTxid}");
        output.WriteLine();
        output.WriteLine("Files to fetch:");
        var table = new TextTable("level", "file", "min_txid", "max_txid", "size", "timestamp");
        foreach (var file in plan.Files)
        {
            table.Add(
                file.Level.ToString(), file.Key.Name.ToString(), file.MinTxid.ToString(), file.MaxTxid.ToString(),
                file.SizeBytes.ToString(CultureInfo.InvariantCulture), Rfc3339.Format(file.Created));
        }

        table.WriteTo(output);
    }
}
