using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Retention;

/// <summary>Which files of level 0 go.</summary>
/// <param name="Deletions">The files to delete, oldest first.</param>
/// <param name="RecheckAt">When the next ones are old enough, if others take their place already.</param>
internal readonly record struct CaptureExpiry(IReadOnlyList<LtxFileInfo> Deletions, DateTimeOffset? RecheckAt)
{
    /// <summary>Decides.</summary>
    /// <param name="captures">The files of level 0, by last TXID. The last one always stays: writers go on from it.</param>
    /// <param name="compacted">The files of levels 1 to 8, by last TXID.</param>
    /// <param name="snapshots">The snapshots that stay, by last TXID.</param>
    /// <param name="floor">Up to where history is given up; none for nowhere.</param>
    /// <param name="now">The present.</param>
    /// <param name="retention">How old a capture must be, and what takes its place; zero keeps all.</param>
    /// <remarks>
    /// <para>A compacted file takes the place of captures when it can be reached without them, from those before it or from a snapshot,
    /// and when it is old enough itself: a restore that began before it was there may rely on the captures. It can give no state in the
    /// middle of it, so its captures go together.</para>
    /// <para>The floor takes the place of all captures up to it. It is also later than they are, so it tells the age of those whose own
    /// time lies in the future.</para>
    /// </remarks>
    public static CaptureExpiry From(
        IReadOnlyList<LtxFileInfo> captures,
        IEnumerable<LtxFileInfo> compacted,
        IReadOnlyList<LtxFileInfo> snapshots,
        Txid floor,
        DateTimeOffset now,
        TimeSpan retention)
    {
        if (retention == TimeSpan.Zero || captures.Count == 0)
        {
            return new CaptureExpiry([], null);
        }

        var head = captures[^1];
        var count = 0;
        var reached = floor;
        for (; captures[count] != head && captures[count].MaxTxid <= reached; count++)
        {
            var leavesAt = FileAge.Reaches(captures[count].Created, retention);
            if (leavesAt > now && captures[count].Created <= now)
            {
                return new CaptureExpiry([.. captures.Take(count)], leavesAt);
            }
        }

        // A snapshot of the very state takes the place of a capture too: of the first image of a replica, which no level takes up again.
        var youngest = DateTimeOffset.MinValue;
        if (captures[count] != head && snapshots.Any(snapshot => snapshot.MaxTxid == captures[count].MaxTxid))
        {
            var same = snapshots.First(snapshot => snapshot.MaxTxid == captures[count].MaxTxid);
            youngest = Later(same.Created, captures[count].Created);
            var leavesAt = FileAge.Reaches(youngest, retention);
            if (leavesAt > now)
            {
                return new CaptureExpiry([.. captures.Take(count)], leavesAt);
            }

            reached = captures[count++].MaxTxid;
        }

        foreach (var file in compacted.Where(file => file.MaxTxid > reached && file.MaxTxid <= head.MaxTxid))
        {
            if (captures[count] == head)
            {
                break;
            }

            if (file.MinTxid.Value - 1 > reached.Value)
            {
                if (captures[count].MinTxid < file.MinTxid || TryFindStart(snapshots, file) is not { } start)
                {
                    break;
                }

                youngest = Later(youngest, start.Created);
            }

            reached = file.MaxTxid;
            youngest = Later(youngest, file.Created);
            var end = count;
            for (; captures[end] != head && captures[end].MaxTxid <= reached; end++)
            {
                youngest = Later(youngest, captures[end].Created);
            }

            var leavesAt = FileAge.Reaches(youngest, retention);
            if (end > count && leavesAt > now)
            {
                return new CaptureExpiry([.. captures.Take(count)], leavesAt);
            }

            count = end;
        }

        return new CaptureExpiry([.. captures.Take(count)], null);
    }

    /// <summary>The first snapshot that a compacted file continues.</summary>
    private static LtxFileInfo? TryFindStart(IEnumerable<LtxFileInfo> snapshots, LtxFileInfo file)
        => snapshots
            .Where(snapshot => snapshot.MaxTxid.Value >= file.MinTxid.Value - 1 && snapshot.MaxTxid < file.MaxTxid)
            .Select(snapshot => (LtxFileInfo?)snapshot)
            .FirstOrDefault();

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a < b ? b : a;
}
