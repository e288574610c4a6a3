using System.Globalization;
using Tidemark.Cli.Output;
using Tidemark.Formats;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Cli.Commands;

/// <summary>A restore from LTX files.</summary>
/// <param name="Store">The destination.</param>
/// <param name="Plan">The files that are read.</param>
/// <param name="Proof">What all files say of their states.</param>
internal sealed record PlannedLtxRestore(IReplicaStore Store, RestorePlan Plan, StateProof Proof) : PlannedRestore(Store)
{
    /// <inheritdoc/>
    public override string Format => "ltx";

    /// <inheritdoc/>
    public override Txid? Txid => Plan.MaxTxid;

    /// <inheritdoc/>
    public override string State => $"TXID {Plan.MaxTxid}";

    /// <inheritdoc/>
    public override DateTimeOffset Created => Plan.Created;

    /// <inheritdoc/>
    public override (int Count, long SizeBytes) Files => (Plan.Files.Count, Plan.TotalSizeBytes);

    /// <inheritdoc/>
    public override async ValueTask<RestoredDatabase> RestoreAsync(
        RestoreOptions options, CommandHost host, CancellationToken cancellationToken)
    {
        var result = await new RestoreStep(Store, host.Files, host.Time).RunAsync(Plan, options, cancellationToken);
        return new RestoredDatabase(this with { Plan = result.Plan }, result.SizeBytes, result.BytesRead, result.IsProven, result.Elapsed);
    }

    /// <inheritdoc/>
    public override void PrintPlan(string source, string target, TextWriter output)
    {
        PrintHead(source, target, output);
        output.WriteLine($"  txid range: {Plan.MinTxid} - {Plan.MaxTxid}");
        PrintFilesHead(output);
        var table = new TextTable("level", "file", "min_txid", "max_txid", "size", "timestamp");
        foreach (var file in Plan.Files)
        {
            table.Add(
                file.Level.ToString(), file.Key.Name.ToString(), file.MinTxid.ToString(), file.MaxTxid.ToString(),
                file.SizeBytes.ToString(CultureInfo.InvariantCulture), Rfc3339.Format(file.Created));
        }

        table.WriteTo(output);
    }

    /// <inheritdoc/>
    public override void PrintPlanAsJson(string source, string target, IReadOnlyList<string> warnings, TextWriter output)
        => JsonDocuments.Write(output, new RestorePlanDocument(
            source, target, ReplicaSource.KindOf(Store), Plan.MinTxid.ToString(), Plan.MaxTxid.ToString(),
            [.. Plan.Files.Select(PlannedFileDocument.From)], Format, Rfc3339.FormatExactly(Created), Plan.TotalSizeBytes, warnings));
}
