using System.Globalization;
using Tidemark.Replicas.Verification;
using Tidemark.Replication.Health;

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

        WriteVerdict(
            output, report.IsComplete,
            report.Findings.Count(finding => finding.IsProblem) + report.States.Count(state => state.Failure is not null));
    }

    /// <summary>Prints a report on files of Litestream 0.3; the last line is the verdict.</summary>
    public static void Write(TextWriter output, string replica, LegacyVerificationReport report)
    {
        output.WriteLine($"{replica} (Litestream 0.3)");
        var table = new TextTable("generation", "snapshots", "wal files", "size", "restorable", "from", "to");
        foreach (var generation in report.Generations)
        {
            table.Add(
                generation.Name, generation.Snapshots.ToString(CultureInfo.InvariantCulture),
                generation.WalFiles.ToString(CultureInfo.InvariantCulture), ByteSize.Format(generation.SizeBytes),
                generation.RestorableStates.ToString(CultureInfo.InvariantCulture),
                generation.Oldest is { } oldest ? Rfc3339.FormatExactly(oldest) : "-",
                generation.Newest is { } newest ? Rfc3339.FormatExactly(newest) : "-");
        }

        table.WriteTo(output, "  ");
        if (report.Failure is { } failure)
        {
            WriteMarked(output, "PROBLEM", $"{report.Target} cannot be restored. {failure.Message}", failure.Hint);
        }
        else if (report.Plan is { } plan)
        {
            output.WriteLine(
                $"  {report.Target}: generation {plan.Generation}, written at {Rfc3339.FormatExactly(plan.Created)}, "
                + $"{ByteSize.Format(report.DatabaseSizeBytes)}, complete, without a checksum of the whole to compare with");
        }

        WriteUnchecked(output, report.Unchecked);
        foreach (var finding in report.Findings)
        {
            WriteMarked(output, finding.IsProblem ? "PROBLEM" : "note", finding.Message, finding.Hint);
        }

        WriteVerdict(
            output, report.IsComplete, report.Findings.Count(finding => finding.IsProblem) + (report.Failure is null ? 0 : 1));
    }

    private static void WriteVerdict(TextWriter output, bool isComplete, int problems)
        => output.WriteLine(problems > 0
            ? string.Create(CultureInfo.InvariantCulture, $"NOT SOUND: {problems} {(problems == 1 ? "problem" : "problems")}")
            : isComplete ? "sound: everything that was asked for holds" : "NOT ALL CHECKED: nothing wrong was found in the rest");

    private static void WriteUnchecked(TextWriter output, IReadOnlyList<string> left)
    {
        foreach (var what in left)
        {
            WriteMarked(output, "not checked", what, "Only the application has what SQLite needs for it. The structure of all pages was checked.");
        }
    }

    /// <summary>Prints what the last audit of the live database found.</summary>
    public static void Write(TextWriter output, string database, AuditStatus audit)
    {
        output.WriteLine(database);
        var when = $"as of TXID {audit.Txid}, at {Rfc3339.Format(audit.Finished)}";
        output.WriteLine(audit.Outcome == AuditOutcome.Equal
            ? string.Create(
                CultureInfo.InvariantCulture, $"  last audit: equal to the live database {when}; {audit.PageCount:N0} pages were compared")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"  last audit: {audit.DifferentPages:N0} pages were not what was captured {when}, and were captured after it"));
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
        WriteUnchecked(output, state.Unchecked);
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
