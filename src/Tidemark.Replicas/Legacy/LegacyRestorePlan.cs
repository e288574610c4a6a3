using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Legacy;

/// <summary>The snapshot and the parts of WALs of a v0.3 replica that lead to the asked-for state.</summary>
/// <remarks>
/// <para>A generation has no number, so the one that was written to last is the newest. In it, the snapshot with the highest index is the
/// base, and the WAL of that index and of all later ones follows.</para>
/// <para>For a moment, only files count that were written until then. (A file written at exactly that moment counts, as it does in
/// v0.3; in LTX replicas it does not.)</para>
/// <para>Litestream 0.5 takes the generation with the newest snapshot instead. That one may be an older one, when the snapshot of the
/// newest generation is lost; here that is an error.</para>
/// </remarks>
public sealed record LegacyRestorePlan
{
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<LegacyFileInfo> _allFiles;

    private LegacyRestorePlan(
        RestoreTarget target, LegacyFileInfo snapshot, IReadOnlyList<LegacyFileInfo> wal, IReadOnlyList<LegacyFileInfo> allFiles)
        => (Target, Snapshot, Wal, _allFiles) = (target, snapshot, wal, allFiles);

    /// <summary>What was asked for.</summary>
    public RestoreTarget Target { get; }

    /// <summary>Where it begins.</summary>
    public LegacyFileInfo Snapshot { get; }

    /// <summary>The parts of WALs that follow, in their order; may be empty.</summary>
    public IReadOnlyList<LegacyFileInfo> Wal { get; }

    /// <summary>The generation that all files belong to.</summary>
    public string Generation => Snapshot.Key.Generation;

    /// <summary>All files, in the order in which they are read.</summary>
    public IEnumerable<LegacyFileInfo> Files => [Snapshot, .. Wal];

    /// <summary>When the last file was written.</summary>
    public DateTimeOffset Created => Last.Created;

    /// <summary>Size of all files together, as listed.</summary>
    public long TotalSizeBytes => Files.Sum(file => file.SizeBytes);

    private LegacyFileInfo Last => Wal.Count > 0 ? Wal[^1] : Snapshot;

    /// <summary>Chooses the files. Pure.</summary>
    /// <remarks>Whether the parts of a WAL follow each other shows only when they are expanded.</remarks>
    /// <param name="files">What the replica holds, in any order.</param>
    /// <param name="target">What to restore; there are no TXIDs in such a replica.</param>
    /// <exception cref="NoMatchingBackupException">The replica is empty, or nothing in it is as old as was asked for.</exception>
    /// <exception cref="LegacyReplicaException">Files that are needed are missing, or file times contradict the order of the files, so that
    /// nothing tells which generation is the newest.</exception>
    public static LegacyRestorePlan From(IReadOnlyList<LegacyFileInfo> files, RestoreTarget target)
    {
        if (target is RestoreTarget.AtTxid)
        {
            throw new ArgumentException("A v0.3 replica has no TXIDs.", nameof(target));
        }

        if (files.Count == 0)
        {
            throw NoMatchingBackupException.ReplicaIsEmpty();
        }

        if (NewestFile(files, target) is not { } newest)
        {
            throw NoMatchingBackupException.NothingBefore((RestoreTarget.Before)target, files.Min(file => file.Created));
        }

        ThrowIfTimesContradict(files, target, newest);
        if (TryChoose(files, target) is not { } plan)
        {
            var moments = files.Select(file => file.Created).Where(moment => moment < newest.Created);
            throw LegacyReplicaException.NoSnapshot(newest.Key.Generation, target, HintFor(files, moments, _ => true));
        }

        plan.ThrowIfWalIsMissing();
        return plan;
    }

    /// <summary>What helps when a file of this plan cannot be used.</summary>
    internal string HintWithout(LegacyFileKey broken)
    {
        if (broken.IsSnapshot
            && TryChoose([.. _allFiles.Where(file => file.Key != broken)], Target) is { } other
            && other.Generation == Generation
            && other.Last == Last)
        {
            return $"Move the file away, and restore again: the snapshot of index {other.Snapshot.Key.Index:x8} leads to the same state.";
        }

        // Everything until the file before the broken one was written, and older moments, should that one lead to the broken one too.
        var before = Files.TakeWhile(file => file.Key != broken).Select(file => (DateTimeOffset?)file.Created).LastOrDefault();
        var moments = _allFiles
            .Select(file => file.Created)
            .Where(moment => before is { } last ? moment <= last : moment < Snapshot.Created);
        return HintFor(_allFiles, moments, plan => plan.Files.All(file => file.Key != broken));
    }

    /// <summary>Throws when the newest file was written before others of its generation: then its time is not the one at which it was
    /// written, and another generation may be the newest.</summary>
    private static void ThrowIfTimesContradict(IReadOnlyList<LegacyFileInfo> files, RestoreTarget target, LegacyFileInfo newest)
    {
        var (generation, index, offset) = newest.Key;
        var later = files
            .Where(file => file.Key.Generation == generation && Fits(file, target) && file.Created + s_clockTolerance < newest.Created)
            .Where(file => file.Key.Index > index || (file.Key.Index == index && offset is not null && file.Key.Offset > offset))
            .ToArray();
        if (later.Length > 0 && files.Any(file => file.Key.Generation != generation && Fits(file, target)))
        {
            throw LegacyReplicaException.WrongTimes(newest, later[0]);
        }
    }

    /// <summary>Throws when a whole WAL, or the beginning of one, is not there.</summary>
    private void ThrowIfWalIsMissing()
    {
        if (FirstBehindHole() is not { } key)
        {
            return;
        }

        var before = Wal.TakeWhile(file => file.Key != key).Select(file => (uint?)file.Key.Index).LastOrDefault();
        var expected = before is { } index ? index + 1 : Snapshot.Key.Index;
        throw key.Index == expected
            ? LegacyReplicaException.MissingPart(key, 0, HintWithout(key))
            : LegacyReplicaException.MissingWal(Generation, expected, HintWithout(key));
    }

    /// <summary>The first file that begins a WAL which is not the next one, or not at its beginning; null if there is none.</summary>
    private LegacyFileKey? FirstBehindHole()
    {
        uint? reached = null;
        foreach (var key in Wal.Select(file => file.Key))
        {
            if (key.Index == reached)
            {
                continue;
            }

            if (key.Offset != 0 || key.Index != (reached is { } index ? index + 1 : Snapshot.Key.Index))
            {
                return key;
            }

            reached = key.Index;
        }

        return null;
    }

    private static LegacyRestorePlan? TryChoose(IReadOnlyList<LegacyFileInfo> files, RestoreTarget target)
    {
        if (NewestFile(files, target)?.Key.Generation is not { } generation)
        {
            return null;
        }

        LegacyFileInfo[] ofGeneration = [.. files.Where(file => file.Key.Generation == generation)];
        LegacyFileInfo[] snapshots = [.. ofGeneration.Where(file => file.Key.IsSnapshot && Fits(file, target))];
        if (snapshots.Length == 0)
        {
            return null;
        }

        // Ends at the first part that is too young: were an older one behind it used, a part between them would be left out.
        var snapshot = snapshots.MaxBy(file => file.Key.Index);
        var wal = ofGeneration
            .Where(file => !file.Key.IsSnapshot && file.Key.Index >= snapshot.Key.Index)
            .OrderBy(file => file.Key.Index)
            .ThenBy(file => file.Key.Offset)
            .TakeWhile(file => Fits(file, target));
        return new LegacyRestorePlan(target, snapshot, [.. wal], files);
    }

    private static LegacyFileInfo? NewestFile(IReadOnlyList<LegacyFileInfo> files, RestoreTarget target)
        => files.Where(file => Fits(file, target)).Select(file => (LegacyFileInfo?)file).MaxBy(file => file!.Value.Created);

    private static bool Fits(LegacyFileInfo file, RestoreTarget target)
        => target is not RestoreTarget.Before before || file.Created <= before.Time;

    private static string HintFor(
        IReadOnlyList<LegacyFileInfo> files, IEnumerable<DateTimeOffset> moments, Func<LegacyRestorePlan, bool> isUsable)
    {
        foreach (var moment in moments.Distinct().OrderDescending())
        {
            if (TryChoose(files, new RestoreTarget.Before(moment)) is { } plan && isUsable(plan) && plan.FirstBehindHole() is null)
            {
                return $"Bring the file back, or restore with -timestamp {RestoreTarget.TextOf(plan.Created)}: "
                    + "that is the last state before which nothing is missing.";
            }
        }

        return "Bring the file back: no older state can be restored.";
    }
}
