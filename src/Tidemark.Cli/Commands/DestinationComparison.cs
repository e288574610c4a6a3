using Tidemark.Cli.Output;
using Tidemark.Formats;
using Tidemark.Replicas.Verification;

namespace Tidemark.Cli.Commands;

/// <summary>What the destinations of one database say of each other: which one is behind, and whether they are of one history. Pure.</summary>
internal static class DestinationComparison
{
    private const string OtherHistoryHint =
        "Restore both to look which one is the database's, and let the other destination begin anew in an empty place.";

    /// <summary>Compares each destination with the one that has the newest state.</summary>
    /// <param name="reports">What was found in each of them, by its name.</param>
    /// <returns>For each what was noticed, in the same order.</returns>
    public static IReadOnlyList<IReadOnlyList<Finding>> Run(IReadOnlyList<(string Name, VerificationReport Report)> reports)
    {
        var newest = reports.Select(entry => entry.Report.Newest?.Txid ?? Txid.None).DefaultIfEmpty(Txid.None).Max();
        var (name, furthest) = reports.FirstOrDefault(entry => entry.Report.Newest?.Txid == newest);
        return
        [
            .. reports.Select(entry => entry.Report == furthest || entry.Report.Newest is null
                ? (IReadOnlyList<Finding>)[]
                : [.. Compare(name, furthest, entry.Name, entry.Report)]),
        ];
    }

    private static IEnumerable<Finding> Compare(string newestName, VerificationReport newest, string name, VerificationReport report)
    {
        var (furthest, reached) = (newest.Newest!.Value, report.Newest!.Value);
        var common = report.Proofs.Keys.Where(newest.Proofs.ContainsKey).DefaultIfEmpty(Txid.None).Max();
        if (!common.IsNone && report.Proofs[common] != newest.Proofs[common])
        {
            yield return new Finding(
                true, null, common, common,
                $"{name} holds another state under TXID {common} than {newestName}: they are not of one history.", OtherHistoryHint);
        }

        var agreement = common.IsNone ? "nothing tells whether they are of one history"
            : report.Proofs[common] != newest.Proofs[common] ? "and they are not of one history"
            : common == reached.Txid ? "and it has that state too, as the checksums prove"
            : $"and they are of one history, as the checksums prove up to TXID {common}";
        if (reached.Txid < furthest.Txid)
        {
            yield return new Finding(
                false, null, reached.Txid.Next(), furthest.Txid,
                $"{name} is behind: it ends at TXID {reached.Txid}, captured at {Rfc3339.FormatExactly(reached.Created)}. {newestName} goes on "
                + $"to TXID {furthest.Txid}, captured at {Rfc3339.FormatExactly(furthest.Created)}, {agreement}.");
        }
        else if (common != reached.Txid)
        {
            yield return new Finding(
                false, null, reached.Txid, reached.Txid,
                $"{name} ends at the same TXID {reached.Txid} as {newestName}. No checksums prove that it is the same state.");
        }
    }
}
