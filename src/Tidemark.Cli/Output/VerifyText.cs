using System.Globalization;
using Tidemark.Replicas.Verification;

namespace Tidemark.Cli.Output;

/// <summary>A report on a replica, for people.</summary>
internal static class VerifyText
{
    /// <summary>Prints it; the last line is the verdict.</summary>
    public static void Write(TextWriter output, string replica, VerificationReport report)
    {
        output.WriteLine(replica);
        WriteLevels(output, report);
        WriteHistory(output, report);
        foreach (var state in report.States)
        {
            WriteState(output, state);
        }

        foreach (var finding in report.Findings)
        {
            WriteMarked(output, finding.IsProblem ? "PROBLEM" : "note", finding.Message, finding.Hint);
        }

        var problems = report.Findings.Count(finding => finding.IsProblem) + report.States.Count(state => state.Failure is not null);
        output.WriteLine(report.IsSound
            ? report.IsComplete ? "sound: everything that was asked for holds" : "NOT ALL CHECKED: nothing wrong was found in the rest"
            : string.Create(CultureInfo.InvariantCulture, $"NOT SOUND: {problems} {(problems == 1 ? "problem" : "problems")}"));
    }

    private static void WriteLevels(TextWriter output, VerificationReport report)
    {
        if (report.Levels.Count == 0)
        {
            return;
        }

        var table = new TextTable("level", "files", "size", "txids");
        foreach (var level in report.Levels)
        {
            table.Add(
                level.Level.ToString(), level.Files.ToString(CultureInfo.InvariantCulture), ByteSize.Format(level.SizeBytes),
                $"{level.MinTxid} - {level.MaxTxid}");
        }

        table.WriteTo(output, "  ");
    }

    private static void WriteHistory(TextWriter output, VerificationReport report)
    {
        if (report is not { Oldest: { } oldest, Newest: { } newest })
        {
            output.WriteLine("  restorable: nothing");
            return;
        }

        output.WriteLine(report.RestorableStates == 1
            ? $"  restorable: 1 state, {(report.ProvenStates == 1 ? "with" : "without")} a checksum of the whole database"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"  restorable: {report.RestorableStates:N0} states, {report.ProvenStates:N0} of them with a checksum of the whole database"));
        output.WriteLine($"    from TXID {oldest.Txid}, captured at {Rfc3339.FormatExactly(oldest.Created)}");
        output.WriteLine($"    to   TXID {newest.Txid}, captured at {Rfc3339.FormatExactly(newest.Created)}");
        if (report.Lineages.Count > 1)
        {
            output.WriteLine($"  writers: {string.Join(", ", report.Lineages)}, one after the other");
        }
    }

    private static void WriteState(TextWriter output, VerifiedState state)
    {
        if (state.Failure is { } failure)
        {
            WriteMarked(output, "PROBLEM", $"{state.Target} cannot be restored. {failure.Message}", failure.Hint);
            return;
        }

        var proof = state.IsProven ? "proven" : "complete, without a checksum of the whole to compare with";
        output.WriteLine(
            $"  {state.Target}: TXID {state.Plan!.MaxTxid}, captured at {Rfc3339.FormatExactly(state.Plan.Created)}, "
            + $"{ByteSize.Format(state.SizeBytes)}, {proof}");
        foreach (var what in state.Unchecked)
        {
            WriteMarked(output, "not checked", what, "Only the application has what SQLite needs for it. The structure of all pages was checked.");
        }
    }

    private static void WriteMarked(TextWriter output, string mark, string message, string? hint)
    {
        output.WriteLine($"  {mark}: {message}");
        if (hint is not null)
        {
            output.WriteLine($"    {hint}");
        }
    }
}
