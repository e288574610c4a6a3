using Tidemark.Formats;
using Tidemark.Replicas.Verification;
using Tidemark.Replication.Health;

namespace Tidemark.Cli.Output;

/// <summary>What <c>verify -json</c> prints of one replica.</summary>
internal sealed record VerifyDocument(
    string Replica, bool Ok, int Files, long Size, IReadOnlyList<VerifyLevelDocument> Levels, int RestorableStates, int ProvenStates,
    VerifyMomentDocument? Oldest, VerifyMomentDocument? Newest, IReadOnlyList<string> Lineages,
    IReadOnlyList<VerifyStateDocument> States, IReadOnlyList<VerifyFindingDocument> Problems, IReadOnlyList<VerifyFindingDocument> Notes,
    string Format, IReadOnlyList<VerifyGenerationDocument> Generations,
    VerifyAuditDocument? Audit)
{
    /// <summary>Tells of a report.</summary>
    public static VerifyDocument From(string replica, VerificationReport report, AuditStatus? audit = null) => new(
        replica, report.IsSound && report.IsComplete, report.Files, report.SizeBytes,
        [.. report.Levels.Select(level => new VerifyLevelDocument(
            level.Level.Value, level.Files, level.SizeBytes, level.MinTxid.ToString(), level.MaxTxid.ToString()))],
        report.RestorableStates, report.ProvenStates, From(report.Oldest), From(report.Newest),
        [.. report.Lineages.Select(lineage => lineage.ToString())],
        [.. report.States.Select(From)],
        [
            .. report.States.Where(state => state.Failure is not null).Select(ProblemOf),
            .. report.Findings.Where(finding => finding.IsProblem).Select(From),
        ],
        [.. report.Findings.Where(finding => !finding.IsProblem).Select(From)],
        "ltx", [], audit is null ? null : VerifyAuditDocument.From(audit));

    /// <summary>Tells of a report on files of Litestream 0.3, which have times and no TXIDs.</summary>
    public static VerifyDocument From(string replica, LegacyVerificationReport report)
    {
        var moments = report.Generations.SelectMany(generation => new[] { generation.Oldest, generation.Newest }).OfType<DateTimeOffset>().Order();
        VerifyFindingDocument[] failure = report.Failure is { } e
            ? [new VerifyFindingDocument(null, "", "", $"{report.Target} cannot be restored. {e.Message}", e.Hint)]
            : [];
        return new VerifyDocument(
            replica, report.IsSound && report.IsComplete,
            report.Generations.Sum(generation => generation.Snapshots + generation.WalFiles),
            report.Generations.Sum(generation => generation.SizeBytes), [],
            report.Generations.Sum(generation => generation.RestorableStates), 0,
            moments.Any() ? MomentOf(moments.First()) : null, moments.Any() ? MomentOf(moments.Last()) : null, [],
            [
                new VerifyStateDocument(
                    report.Target.ToString(), report.Failure is null, "", report.Plan is { } plan ? Rfc3339.FormatExactly(plan.Created) : "",
                    report.DatabaseSizeBytes, false, report.Unchecked, report.Failure?.Message, report.Failure?.Hint),
            ],
            [.. failure, .. report.Findings.Where(finding => finding.IsProblem).Select(From)],
            [.. report.Findings.Where(finding => !finding.IsProblem).Select(From)],
            "v0.3",
            [.. report.Generations.Select(generation => new VerifyGenerationDocument(
                generation.Name, generation.Snapshots, generation.WalFiles, generation.SizeBytes, generation.RestorableStates,
                TextOf(generation.Oldest), TextOf(generation.Newest)))],
            null);
    }

    private static VerifyMomentDocument MomentOf(DateTimeOffset moment) => new("", Rfc3339.FormatExactly(moment));

    private static string TextOf(DateTimeOffset? moment) => moment is { } known ? Rfc3339.FormatExactly(known) : "";

    private static VerifyFindingDocument From(LegacyFinding finding)
        => new(finding.File?.ToString(), "", "", finding.Message, finding.Hint);

    private static VerifyMomentDocument? From(RestorableState? state)
        => state is { } known ? new VerifyMomentDocument(known.Txid.ToString(), Rfc3339.FormatExactly(known.Created)) : null;

    private static VerifyStateDocument From(VerifiedState state) => new(
        state.Target.ToString(), state.Failure is null, state.Plan?.MaxTxid.ToString() ?? "",
        state.Plan is { } plan ? Rfc3339.FormatExactly(plan.Created) : "", state.SizeBytes, state.IsProven, state.Unchecked,
        state.Failure?.Message,
        state.Failure?.Hint);

    private static VerifyFindingDocument ProblemOf(VerifiedState state) => new(
        null, TextOf(state.Plan?.MaxTxid ?? Txid.None), TextOf(state.Plan?.MaxTxid ?? Txid.None),
        $"{state.Target} cannot be restored. {state.Failure!.Message}", state.Failure.Hint);

    private static VerifyFindingDocument From(Finding finding)
        => new(finding.File?.ToString(), TextOf(finding.MinTxid), TextOf(finding.MaxTxid), finding.Message, finding.Hint);

    private static string TextOf(Txid txid) => txid.IsNone ? "" : txid.ToString();
}
