using System.Globalization;
using Tidemark.Cli.Arguments;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Cli.Commands;

/// <summary><c>tidemark ltx</c>.</summary>
internal sealed class LtxCommand : Command
{
    private readonly ConfigFlags _config;
    private readonly FlagOf<IReadOnlyList<Level>> _levels;
    private readonly FlagOf<bool> _isJson;

    /// <summary>Declares the flags.</summary>
    public LtxCommand()
        : base("ltx", "Lists the files of a replica")
    {
        _config = new ConfigFlags(Flags);
        _levels = Flags.Value("level", "LEVEL", "The level to list, from 0 to 9, or all. 0 unless given.", [Level.Captured],
            FlagValue.Levels);
        _isJson = Flags.Switch("json", "Print JSON instead of a table.");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["[flags] DB_PATH", "[flags] REPLICA"];

    /// <inheritdoc/>
    public override string Description =>
        "DB_PATH is looked up in the configuration file; of several destinations, the first is listed. REPLICA is a URL or a folder.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["tidemark ltx -level all /var/lib/app.db", "tidemark ltx -json /backup/app"];

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        var argument = DatabaseOrReplica(positionals, "tidemark ltx /path/to/db");
        using var interruption = Interruption.Register();
        var source = ReplicaSource.Resolve(argument, _config, host);
        source.TellWarnings(host.Error);
        var store = source.Stores[0];
        var files = new List<LtxFileInfo>();
        try
        {
            foreach (var level in _levels.Value)
            {
                await foreach (var file in store.ListAsync(level, Txid.None, interruption.Stopping))
                {
                    files.Add(file);
                }
            }

            if (files.Count == 0)
            {
                await ThrowIfNoReplicaAsync(store, interruption.Stopping);
            }
        }
        catch (OperationCanceledException) when (interruption.SignalNumber is { } number)
        {
            return ExitCode.OfSignal(number);
        }

        Print(files, host.Output);
        return ExitCode.Done;
    }

    // An empty table means that this level is empty. It must not mean that the path is mistyped.
    private static async Task ThrowIfNoReplicaAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        if ((await ReplicaListing.ReadAllAsync(store, cancellationToken)).Count > 0)
        {
            return;
        }

        if (store is ILegacyReplicaSource legacy && (await legacy.ListLegacyAsync(cancellationToken)).Count > 0)
        {
            throw new TidemarkException(
                $"{store.Name} is a replica of Litestream 0.3, which has no LTX files.",
                "tidemark restore reads it; with -dry-run it lists the files of the latest state.");
        }

        throw NoMatchingBackupException.NoReplica(ReplicaAbsence.Of(store));
    }

    private void Print(List<LtxFileInfo> files, TextWriter output)
    {
        if (_isJson.Value)
        {
            JsonDocuments.Write<IReadOnlyList<LtxFileDocument>>(output, [.. files.Select(LtxFileDocument.From)]);
            return;
        }

        var table = new TextTable("level", "min_txid", "max_txid", "size", "created");
        foreach (var file in files)
        {
            table.Add(
                file.Level.ToString(), file.MinTxid.ToString(), file.MaxTxid.ToString(),
                file.SizeBytes.ToString(CultureInfo.InvariantCulture), Rfc3339.Format(file.Created));
        }

        table.WriteTo(output);
    }
}
