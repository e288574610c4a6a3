using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Tidemark.Cli.Arguments;
using Tidemark.Cli.Demo;
using Tidemark.Cli.Logging;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;
using Tidemark.Replication.Databases;

namespace Tidemark.Cli.Commands;

/// <summary><c>tidemark demo</c>: the main job from beginning to end, with its proof.</summary>
internal sealed class DemoCommand : Command
{
    private static readonly TimeSpan s_durationDefault = TimeSpan.FromSeconds(3);

    private readonly FlagOf<TimeSpan> _duration;

    /// <summary>Declares the flags.</summary>
    public DemoCommand()
        : base("demo", "Shows replication and restore with a database under load")
        => _duration = Flags.Value("duration", "TIME", "How long the database is written to. 3s unless given.", s_durationDefault,
            GoDuration.Parse);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["[-duration TIME]"];

    /// <inheritdoc/>
    public override string Description =>
        """
        Another process writes to a database while this one replicates it to a folder. Then the database is deleted,
        restored from the replica, and compared with what it was. Everything happens in a temporary folder that is
        removed at the end.
        """;

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        if (positionals.Count > 0)
        {
            throw Misuse("too many arguments");
        }

        if (_duration.Value <= TimeSpan.Zero)
        {
            throw Misuse("-duration must be more than zero");
        }

        using var interruption = Interruption.Register();
        using var folder = ScratchFolder.Create("tidemark-demo-");
        try
        {
            return await RunAsync(folder.Path, host, interruption.Stopping);
        }
        catch (OperationCanceledException) when (interruption.SignalNumber is { } number)
        {
            return ExitCode.OfSignal(number);
        }
    }

    private async Task<int> RunAsync(string folder, CommandHost host, CancellationToken cancellationToken)
    {
        var applicationFolder = Path.Combine(folder, "app");
        var database = Path.Combine(applicationFolder, "app.db");
        var restored = Path.Combine(folder, "restored.db");
        var store = new LocalStore(Path.Combine(folder, "replica"), host.Files);
        host.Files.CreateDirectory(applicationFolder);
        var report = new DemoReport(host.Output);

        report.Say($"A database under load, {applicationFolder}, is replicated to {store.Folder}.");
        var (transactions, shipping) = await ReplicateAsync(database, store, host, cancellationToken);
        string expected;
        long rows;
        using (var source = DemoDatabase.Open(database))
        {
            (expected, rows) = (source.HashPages(), source.QueryNumber("SELECT count(*) FROM event"));
        }

        var files = await ReplicaListing.ReadAllAsync(store, cancellationToken);
        report.Step("written",
            $"{transactions:N0} transactions by another process in {_duration.Value.TotalSeconds:0.#} s; {rows:N0} rows stand");
        report.Step("replicated", $"{files.Count:N0} files, {ByteSize.Format(files.Sum(file => file.SizeBytes))}");
        report.Step("stopped", $"{shipping.TotalMilliseconds:0} ms for the last capture and upload");

        Directory.Delete(applicationFolder, recursive: true);
        report.Step("deleted", "the database, its WAL, and everything else beside it");

        var result = await new RestoreStep(store, host.Files, host.Time)
            .RunAsync(new RestoreTarget.Latest(), new RestoreOptions { OutputPath = restored }, cancellationToken);
        var actual = HashFile(restored, host.Files);
        report.Step("restored", $"TXID {result.Txid}, {ByteSize.Format(result.SizeBytes)} in {result.Elapsed.TotalMilliseconds:0} ms");
        _ = IntegrityCheck.Run(restored, IntegrityCheckKind.Full, name: null, cancellationToken);
        report.Step("checked", "SQLite's integrity check finds nothing wrong");
        report.Step("source", $"SHA-256 of all pages {expected}");
        report.Step("restored", $"SHA-256 of all pages {actual}");
        report.Say(expected == actual ? "They are equal: nothing was lost."
            : "THEY DIFFER: this is a defect of Tidemark, please report it.");
        return expected == actual ? ExitCode.Done : ExitCode.Failed;
    }

    // How many transactions were written, and how long the last capture and upload took.
    private async Task<(int Transactions, TimeSpan Shipping)> ReplicateAsync(
        string database, IReplicaStore store, CommandHost host, CancellationToken cancellationToken)
    {
        using var loggers = new LineLoggerFactory(host.Error, LogFormat.Text, LogLevel.Warning, host.Time);
        using var stopping = new CancellationTokenSource();
        await using var writer = await DemoWriter.StartAsync(database, cancellationToken);
        var replicator = new Replicator([new DatabaseOptions { DatabasePath = database, Destinations = [store] }], host.Files, host.Time,
            loggers);
        var replication = Task.Run(() => replicator.RunAsync(stopping.Token, cancellationToken), CancellationToken.None);
        try
        {
            var pause = Task.Delay(_duration.Value, host.Time, cancellationToken);
            if (await Task.WhenAny(pause, replication) == pause)
            {
                await pause;
            }

            var transactions = await writer.StopAsync(cancellationToken);
            var started = host.Time.GetTimestamp();
            await stopping.CancelAsync();
            await replication;
            return (transactions, host.Time.GetElapsedTime(started));
        }
        finally
        {
            // The temporary folder is removed next, so nobody may use it any more.
            await stopping.CancelAsync();
            await replication.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static string HashFile(string path, IFileSystem files)
    {
        using var content = new FileContentStream(files.Open(path, FileMode.Open, FileAccess.Read));
        return Convert.ToHexStringLower(SHA256.HashData(content));
    }
}
