using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Legacy;

/// <summary>Chooses the format to restore from.</summary>
public static class ReplicaFormatChoice
{
    /// <summary>LTX, unless there is none of it, or the newest v0.3 file is younger than the newest LTX file. For a moment, only files from
    /// before it count.</summary>
    /// <remarks>
    /// Litestream compares snapshots where a moment is asked for, and so takes a v0.3 replica that ended long ago as long as the LTX
    /// replica has no compacted snapshot.
    /// </remarks>
    /// <param name="ltx">All LTX files of the place.</param>
    /// <param name="legacy">All v0.3 files of the place.</param>
    /// <param name="target">What to restore. There are no TXIDs in v0.3 replicas.</param>
    public static ReplicaFormat Between(
        IReadOnlyList<LtxFileInfo> ltx, IReadOnlyList<LegacyFileInfo> legacy, RestoreTarget target)
    {
        if (legacy.Count == 0 || target is RestoreTarget.AtTxid)
        {
            return ReplicaFormat.Ltx;
        }

        if (ltx.Count == 0)
        {
            return ReplicaFormat.Legacy;
        }

        var end = (target as RestoreTarget.Before)?.Time ?? DateTimeOffset.MaxValue;
        var newestLtx = Newest(ltx.Select(file => file.Created).Where(created => created < end));
        var newestLegacy = Newest(legacy.Select(file => file.Created).Where(created => created <= end));
        return newestLegacy > newestLtx ? ReplicaFormat.Legacy : ReplicaFormat.Ltx;
    }

    private static DateTimeOffset Newest(IEnumerable<DateTimeOffset> times) => times.DefaultIfEmpty(DateTimeOffset.MinValue).Max();
}
