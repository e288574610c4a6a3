using System.Globalization;
using Tidemark.Cli.Output;
using Tidemark.Formats;
using Tidemark.Replicas.Legacy;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Databases;

namespace Tidemark.Cli.Commands;

/// <summary>A restore from a replica of Litestream 0.3.</summary>
internal sealed record PlannedLegacyRestore(IReplicaStore Store, ILegacyReplicaSource Source, LegacyRestorePlan Plan)
    : PlannedRestore(Store)
{
    /// <inheritdoc/>
    public override string Format => "v0.3";

    /// <inheritdoc/>
    public override Txid? Txid => null;

    /// <inheritdoc/>
    public override string State => string.Create(
        CultureInfo.InvariantCulture, $"v0.3 generation {Plan.Generation}, WAL index {Plan.Files.Last().Key.Index:x8}");

    /// <inheritdoc/>
    public override DateTimeOffset Created => Plan.Created;

    /// <inheritdoc/>
    public override (int Count, long SizeBytes) Files => (Plan.Wal.Count + 1, Plan.TotalSizeBytes);

    /// <inheritdoc/>
    public override IntegrityCheckKind? CheckByDefault => IntegrityCheckKind.Full;

    /// <inheritdoc/>
    public override async ValueTask<RestoredDatabase> RestoreAsync(
        RestoreOptions options, CommandHost host, CancellationToken cancellationToken)
    {
        var result = await new LegacyRestoreStep(Source, host.Files, host.Time).RunAsync(Plan, options, cancellationToken);
        return new RestoredDatabase(this, result.SizeBytes, result.BytesRead, IsProven: false, result.Elapsed);
    }

    /// <inheritdoc/>
    public override void PrintPlan(string source, string target, TextWriter output)
    {
        PrintHead(source, target, output);
        PrintFilesHead(output);
        var table = new TextTable("file", "size", "timestamp");
        foreach (var file in Plan.Files)
        {
            table.Add(file.Key.ToString(), file.SizeBytes.ToString(CultureInfo.InvariantCulture), Rfc3339.Format(file.Created));
        }

        table.WriteTo(output);
    }

    /// <inheritdoc/>
    public override void PrintPlanAsJson(string source, string target, IReadOnlyList<string> warnings, TextWriter output)
        => JsonDocuments.Write(output, new LegacyRestorePlanDocument(
            source, target, ReplicaSource.KindOf(Store), "", "", [.. Plan.Files.Select(LegacyFileDocument.From)], Format,
            Rfc3339.FormatExactly(Created), Plan.TotalSizeBytes, warnings, Plan.Generation));
}
