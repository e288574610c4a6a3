using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>The files whose newest pages, taken together, are the asked-for state.</summary>
/// <remarks>
/// <para>The choice is Litestream's: begin with the last snapshot of level 9 that fits the target; then, again and again, take from levels
/// 8 to 0 the file that continues what there is and reaches furthest. Reaching further is never a disadvantage, since everything that could
/// have continued a shorter chain also continues a longer one; so this finds the target if any chain leads to it.</para>
/// <para>Two things differ. A chosen file that begins at the first TXID holds every page, so a snapshot before it is left out. And
/// a restore to a time says so when files before that time lie beyond a hole, instead of ending silently at the hole.</para>
/// </remarks>
public sealed record RestorePlan
{
    private RestorePlan(RestoreTarget target, IReadOnlyList<LtxFileInfo> files) => (Target, Files) = (target, files);

    /// <summary>What was asked for.</summary>
    public RestoreTarget Target { get; }

    /// <summary>
    /// The files, oldest first. The first begins at TXID 1, and each next one continues or overlaps the one before; never empty.
    /// </summary>
    public IReadOnlyList<LtxFileInfo> Files { get; }

    /// <summary>First TXID of the first file: always 1.</summary>
    public Txid MinTxid => Files[0].MinTxid;

    /// <summary>The state that the files lead to.</summary>
    public Txid MaxTxid => Files[^1].MaxTxid;

    /// <summary>When that state was captured, as listed.</summary>
    public DateTimeOffset Created => Files[^1].Created;

    /// <summary>Size of all files together, as listed.</summary>
    public long TotalSizeBytes => Files.Sum(file => file.SizeBytes);

    /// <summary>Chooses the files. Pure.</summary>
    /// <param name="allLevels">What the replica holds (<see cref="ReplicaListing.ReadAllAsync"/>), in any order.</param>
    /// <param name="target">What to restore.</param>
    /// <exception cref="NoMatchingBackupException">The replica is empty, or nothing in it is as old as was asked for.</exception>
    /// <exception cref="TxidNotRestorableException">No files lead to exactly the TXID that was asked for.</exception>
    /// <exception cref="ReplicaHoleException">Files that are needed are missing, while later ones are there.</exception>
    public static RestorePlan From(IReadOnlyList<LtxFileInfo> allLevels, RestoreTarget target)
    {
        if (target is RestoreTarget.AtTxid { Txid.IsNone: true })
        {
            throw new ArgumentException("There is no state before the first TXID.", nameof(target));
        }

        LtxFileInfo[] usable = [.. allLevels.Where(IsUsable)];
        if (usable.Length == 0)
        {
            throw NoMatchingBackupException.ReplicaIsEmpty();
        }

        var fitting = usable.Where(file => Fits(file, target)).ToArray();
        var files = Choose(fitting);
        var reached = files.Count == 0 ? Txid.None : files[^1].MaxTxid;
        ThrowUnlessReached(usable, fitting, target, reached);
        Invariant.Holds(files.Count > 0 && files[0].MinTxid == Txid.First, $"A plan for {target} begins at the first TXID.");
        return new RestorePlan(target, files);
    }

    /// <summary>Chooses the files for the same state without some that are damaged. Pure.</summary>
    /// <param name="damaged">The files to leave out. They still tell which state the target is.</param>
    /// <param name="allLevels">What the replica holds, the damaged files included where they are still there.</param>
    /// <param name="target">What to restore.</param>
    /// <returns>Null when no other files lead to exactly that state.</returns>
    /// <exception cref="TidemarkException">As for <see cref="From"/>.</exception>
    internal static RestorePlan? Around(IReadOnlySet<LtxFileKey> damaged, IReadOnlyList<LtxFileInfo> allLevels, RestoreTarget target)
    {
        var plan = From(allLevels, target);
        if (!plan.Files.Any(file => damaged.Contains(file.Key)))
        {
            return plan;
        }

        LtxFileInfo[] whole = [.. allLevels.Where(file => !damaged.Contains(file.Key))];
        return RestorableTxids(whole).Contains(plan.MaxTxid)
            ? new RestorePlan(target, From(whole, new RestoreTarget.AtTxid(plan.MaxTxid)).Files)
            : null;
    }

    /// <summary>Level 9 is for files that begin at the first TXID; nothing writes others there, and nothing may rely on them.</summary>
    private static bool IsUsable(LtxFileInfo file) => file.Level != Level.Snapshots || file.MinTxid == Txid.First;

    private static bool Fits(LtxFileInfo file, RestoreTarget target) => target switch
    {
        RestoreTarget.AtTxid at => file.MaxTxid <= at.Txid,
        RestoreTarget.Before before => file.Created < before.Time,
        _ => true,
    };

    private static List<LtxFileInfo> Choose(LtxFileInfo[] fitting)
    {
        var chosen = new List<LtxFileInfo>();
        LtxFileInfo[] snapshots = [.. fitting.Where(file => file.Level == Level.Snapshots)];
        if (snapshots.Length > 0)
        {
            chosen.Add(snapshots.MaxBy(file => file.MaxTxid));
        }

        // By first TXID: whatever can continue a state stands before all that cannot yet, so one pass is enough.
        var candidates = new Queue<LtxFileInfo>(fitting
            .Where(file => file.Level != Level.Snapshots)
            .OrderBy(file => file.MinTxid)
            .ThenByDescending(file => file.Level)
            .ThenBy(file => file.Created));
        while (TakeFurthest(candidates, chosen.Count == 0 ? Txid.None : chosen[^1].MaxTxid) is { } next)
        {
            if (next.MinTxid == Txid.First)
            {
                chosen.Clear(); // It holds every page.
            }

            chosen.Add(next);
        }

        return chosen;
    }

    /// <summary>
    /// Of the files that begin at or before the one after <paramref name="reached"/>, the one that ends last, if that is after it.
    /// </summary>
    /// <remarks>
    /// Those that are passed over are gone for good: they end no later than the one that is taken. Of several that end at the same TXID the
    /// first in the queue is taken: smaller first TXID, then higher level, then older.
    /// </remarks>
    private static LtxFileInfo? TakeFurthest(Queue<LtxFileInfo> candidates, Txid reached)
    {
        LtxFileInfo? furthest = null;
        while (candidates.TryPeek(out var file) && file.MinTxid.Value - 1 <= reached.Value)
        {
            candidates.Dequeue();
            if (file.MaxTxid > (furthest?.MaxTxid ?? reached))
            {
                furthest = file;
            }
        }

        return furthest;
    }

    private static void ThrowUnlessReached(
        LtxFileInfo[] usable, LtxFileInfo[] fitting, RestoreTarget target, Txid reached)
    {
        if (target is RestoreTarget.AtTxid at)
        {
            if (reached != at.Txid)
            {
                var restorable = RestorableTxids(usable);
                throw new TxidNotRestorableException(
                    at.Txid,
                    restorable.Where(txid => txid < at.Txid).Select(txid => (Txid?)txid).LastOrDefault(),
                    restorable.Where(txid => txid > at.Txid).Select(txid => (Txid?)txid).FirstOrDefault());
            }

            return;
        }

        // A file made before a time that continues one made after it (clocks can go back) lies beyond no hole: the TXIDs between them are
        // there.
        if (fitting.Any(file => file.MaxTxid > reached)
            && !usable.Any(file => file.MinTxid.Value - 1 <= reached.Value && file.MaxTxid > reached))
        {
            var next = usable.Where(file => file.MaxTxid > reached).Min(file => file.MinTxid);
            throw new ReplicaHoleException(reached.Next(), new Txid(next.Value - 1), reached.IsNone ? null : reached);
        }

        if (reached.IsNone)
        {
            throw target is RestoreTarget.Before before && RestorableTxids(usable).Count > 0
                ? NoMatchingBackupException.NothingBefore(before, OldestRestorable(usable))
                : new ReplicaHoleException(Txid.First, new Txid(usable.Min(file => file.MinTxid).Value - 1), null);
        }
    }

    /// <summary>Every TXID that files lead to exactly, ascending.</summary>
    internal static IReadOnlyList<Txid> RestorableTxids(IEnumerable<LtxFileInfo> allLevels)
    {
        // By ascending end: a file can be reached if it begins at 1 or continues the last end that can be reached, since that
        // one covers the most of all that end before it.
        var restorable = new List<Txid>();
        foreach (var file in allLevels.Where(IsUsable).OrderBy(file => file.MaxTxid).ThenBy(file => file.MinTxid))
        {
            var last = restorable.Count == 0 ? Txid.None : restorable[^1];
            if (file.MaxTxid > last && file.MinTxid.Value - 1 <= last.Value)
            {
                restorable.Add(file.MaxTxid);
            }
        }

        return restorable;
    }

    /// <summary>When the oldest file that begins at the first TXID was made.</summary>
    private static DateTimeOffset OldestRestorable(LtxFileInfo[] usable)
        => usable.Where(file => file.MinTxid == Txid.First).Min(file => file.Created);
}
