using System.Globalization;
using Tidemark.Cli.Arguments;
using Tidemark.Cli.Output;
using Tidemark.Cli.Processes;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

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
    public override IReadOnlyList<string> Forms => ["[flags] DB_PATH", "[flags] REPLICA_URL"];

    /// <inheritdoc/>
    public override string Description => "DB_PATH is looked up in the configuration file; of several destinations, the first is listed.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["tidemark ltx -level all /var/lib/app.db", "tidemark ltx -json file:///backup/app"];

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        if (positionals is not [{ Length: > 0 } argument])
        {
            throw positionals.Count > 1
                ? Misuse("too many arguments")
                : Misuse("database path or replica URL required", "tidemark ltx /path/to/db");
        }

        using var interruption = Interruption.Register();
        var store = ReplicaSource.Resolve(argument, _config, host).Stores[0];
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
        }
        catch (OperationCanceledException) when (interruption.SignalNumber is { } number)
        {
            return ExitCode.OfSignal(number);
        }

        Print(files, host.Output);
        return ExitCode.Done;
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
