using System.Globalization;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Verification;

/// <summary>Looks at what the files of a replica say, one against the other. Pure.</summary>
internal static class HistoryCheck
{
    /// <summary>Everything that is wrong or worth knowing, problems first, each in the order of TXIDs.</summary>
    /// <param name="readings">All files, by level, then by name.</param>
    public static IReadOnlyList<Finding> Run(IReadOnlyList<FileReading> readings)
    {
        Finding[] findings =
        [
            .. Damage(readings),
            .. Holes(readings),
            .. Snapshots(readings),
            .. Proofs(readings),
            .. PageSizes(readings),
            .. Times(readings),
        ];
        return [.. findings.OrderByDescending(finding => finding.IsProblem).ThenBy(finding => finding.MinTxid)];
    }

    private static IEnumerable<Finding> Damage(IReadOnlyList<FileReading> readings)
    {
        FileReading[] damaged = [.. readings.Where(reading => reading.Failure is not null)];
        if (damaged.Length == 0)
        {
            yield break;
        }

        var all = RestorePlan.RestorableTxids(readings.Select(reading => reading.Info));
        var whole = readings.Where(reading => reading.Failure is null).Select(reading => reading.Info);
        var left = RestorePlan.RestorableTxids(whole).ToHashSet();
        Txid[] lost = [.. all.Where(txid => !left.Contains(txid))];
        foreach (var reading in damaged)
        {
            var isNeeded = lost.Any(txid => txid >= reading.Info.MinTxid);
            yield return new Finding(
                true, reading.Info.Key, reading.Info.MinTxid, reading.Info.MaxTxid, reading.Failure!.Message,
                isNeeded
                    ? "Bring the file back from another copy of the replica."
                    : "Delete the file: other files lead to the same states, and a restore may read this one before it takes them.");
        }

        if (lost.Length > 0)
        {
            yield return new Finding(
                true, null, lost[0], lost[^1],
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Because of the damage, {lost.Length} of {all.Count} states cannot be restored, TXIDs {lost[0]} to {lost[^1]}."));
        }
    }

    private static IEnumerable<Finding> Holes(IReadOnlyList<FileReading> readings)
    {
        LtxFileInfo[] files = [.. readings.Select(reading => reading.Info)];
        foreach (var level in files.Where(file => file.Level < Level.Snapshots).GroupBy(file => file.Level))
        {
            var reached = level.First().MaxTxid;
            foreach (var file in level.Skip(1))
            {
                if (file.MinTxid > reached.Next())
                {
                    var (first, last) = (reached.Next(), new Txid(file.MinTxid.Value - 1));
                    var isCovered = IsCovered(files.Where(other => other.Level != level.Key), first, last);
                    yield return new Finding(
                        !isCovered, null, first, last,
                        $"Level {level.Key} has a hole: TXIDs {first} to {last} are in no file of it"
                        + (isCovered ? "; files of other levels bridge it." : ", nor in one of another level."));
                }

                reached = file.MaxTxid > reached ? file.MaxTxid : reached;
            }
        }
    }

    private static bool IsCovered(IEnumerable<LtxFileInfo> files, Txid first, Txid last)
    {
        var missing = first;
        foreach (var file in files.OrderBy(file => file.MinTxid))
        {
            if (file.MinTxid <= missing && file.MaxTxid >= missing)
            {
                missing = file.MaxTxid.Next();
            }
        }

        return missing > last;
    }

    private static IEnumerable<Finding> Snapshots(IReadOnlyList<FileReading> readings)
        => from reading in readings
           let file = reading.Info
           where file.Level == Level.Snapshots && file.MinTxid != Txid.First
           select new Finding(
               true, file.Key, file.MinTxid, file.MaxTxid,
               $"File {file.Key} lies among the snapshots, but does not begin at the first TXID; no restore uses it.", "Delete the file.");

    /// <summary>Files that end at one TXID must lead to one state, and what continues them must have been made for that state.</summary>
    private static IEnumerable<Finding> Proofs(IReadOnlyList<FileReading> readings)
    {
        var states = new Dictionary<Txid, (DatabaseChecksum Checksum, LtxFileKey File)>();
        foreach (var (info, header, _) in readings)
        {
            if (header?.Proof.After is { } after
                && !states.TryAdd(info.MaxTxid, (after, info.Key))
                && states[info.MaxTxid] is var other
                && other.Checksum != after)
            {
                yield return new Finding(
                    true, info.Key, info.MaxTxid, info.MaxTxid,
                    $"Files {other.File} and {info.Key} lead to different databases, of checksums {other.Checksum} and {after}.");
            }
        }

        foreach (var (info, header, _) in readings)
        {
            if (header?.Proof.Before is { } before
                && states.TryGetValue(new Txid(info.MinTxid.Value - 1), out var state)
                && state.Checksum != before)
            {
                yield return new Finding(
                    true, info.Key, info.MinTxid, info.MaxTxid,
                    $"File {state.File} leads to a database of checksum {state.Checksum}, "
                    + $"but {info.Key} continues one of checksum {before}.");
            }
        }
    }

    /// <summary>Pages of another size need a file with all pages.</summary>
    private static IEnumerable<Finding> PageSizes(IReadOnlyList<FileReading> readings)
    {
        foreach (var level in readings.Where(reading => reading.Header is not null).GroupBy(reading => reading.Info.Level))
        {
            foreach (var (older, newer) in level.Zip(level.Skip(1)))
            {
                if (older.Header!.Value.PageSize != newer.Header!.Value.PageSize)
                {
                    yield return new Finding(
                        false, newer.Info.Key, newer.Info.MinTxid, newer.Info.MaxTxid,
                        $"From file {newer.Info.Key} on, pages have {newer.Header.Value.PageSize} bytes, "
                        + $"not {older.Header.Value.PageSize} as before.");
                }
            }
        }
    }

    /// <summary>A copy that loses file times makes <c>-timestamp</c> choose wrong states.</summary>
    private static IEnumerable<Finding> Times(IReadOnlyList<FileReading> readings)
    {
        var tolerance = TimeSpan.FromSeconds(1);
        FileReading[] wrong =
        [
            .. readings.Where(reading => reading.Header is { } header && (reading.Info.Created - header.Timestamp).Duration() > tolerance),
        ];
        if (wrong.Length > 0)
        {
            yield return new Finding(
                false, null, wrong.Min(reading => reading.Info.MinTxid), wrong.Max(reading => reading.Info.MaxTxid),
                string.Create(CultureInfo.InvariantCulture, $"The store has other times for {wrong.Length} of {readings.Count} files ")
                    + "than the files themselves. A restore to a time goes by those of the store.",
                "Copy replicas with their file times, for example with cp -p.");
        }
    }
}
