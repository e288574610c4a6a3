using Tidemark.Formats;
using Tidemark.Replicas.Verification;

namespace Tidemark.Cli.Output;

/// <summary>What <c>verify -json</c> prints of one replica.</summary>
internal sealed record VerifyDocument(
    string Replica, bool Ok, int Files, long Size, IReadOnlyList<VerifyLevelDocument> Levels, int RestorableStates, int ProvenStates,
    VerifyMomentDocument? Oldest, VerifyMomentDocument? Newest, IReadOnlyList<string> Lineages,
    IReadOnlyList<VerifyStateDocument> States, IReadOnlyList<VerifyFindingDocument> Problems, IReadOnlyList<VerifyFindingDocument> Notes)
{
    /// <summary>Tells of a report.</summary>
    public static VerifyDocument From(string replica, VerificationReport report) => new(
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
        [.. report.Findings.Where(finding => !finding.IsProblem).Select(From)]);

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
