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
    /// <para>So does a snapshot of the same state as a capture, for this one capture, whichever is old enough first.</para>
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

        // Compacted files go on from each other. Beside that, snapshots take the place of captures one by one.
        var chain = new Way(count, reached, DateTimeOffset.MinValue);
        var found = new List<Way>();
        var beside = PassSnapshots(chain, captures, snapshots, found);
        foreach (var file in compacted.Where(file => file.MaxTxid > reached && file.MaxTxid <= head.MaxTxid))
        {
            if ((Pass(chain, file, captures, snapshots) ?? Pass(beside, file, captures, snapshots)) is not { } next)
            {
                break;
            }

            chain = next;
            found.Add(chain);
            beside = PassSnapshots(chain, captures, snapshots, found);
        }

        count = found.Where(way => FileAge.Reaches(way.Youngest, retention) <= now).Select(way => way.Count).Append(count).Max();
        var recheckAt = found
            .Where(way => way.Count > count)
            .Select(way => (DateTimeOffset?)FileAge.Reaches(way.Youngest, retention))
            .Min();
        return new CaptureExpiry([.. captures.Take(count)], recheckAt);
    }

    /// <summary>A snapshot of the very state takes the place of a capture too: of the first image of a replica, for instance, which no
    /// level takes up again.</summary>
    private static Way PassSnapshots(Way way, IReadOnlyList<LtxFileInfo> captures, IReadOnlyList<LtxFileInfo> snapshots, List<Way> found)
    {
        while (captures[way.Count] != captures[^1])
        {
            var capture = captures[way.Count];
            LtxFileInfo[] same = [.. snapshots.Where(snapshot => snapshot.MaxTxid == capture.MaxTxid)];
            if (same is [])
            {
                break;
            }

            var youngest = Later(way.Youngest, Later(same.Min(snapshot => snapshot.Created), capture.Created));
            way = new Way(way.Count + 1, capture.MaxTxid > way.Reached ? capture.MaxTxid : way.Reached, youngest);
            found.Add(way);
        }

        return way;
    }

    /// <summary>Goes on by a compacted file; null when it cannot be reached without captures.</summary>
    private static Way? Pass(Way way, LtxFileInfo file, IReadOnlyList<LtxFileInfo> captures, IReadOnlyList<LtxFileInfo> snapshots)
    {
        var (count, youngest) = (way.Count, Later(way.Youngest, file.Created));
        if (file.MinTxid.Value - 1 > way.Reached.Value)
        {
            LtxFileInfo[] starts = [.. snapshots
                .Where(snapshot => snapshot.MaxTxid.Value >= file.MinTxid.Value - 1 && snapshot.MaxTxid < file.MaxTxid)];
            if (starts is [] || (captures[count] != captures[^1] && captures[count].MinTxid < file.MinTxid))
            {
                return null;
            }

            youngest = Later(youngest, starts.Min(start => start.Created));
        }

        for (; captures[count] != captures[^1] && captures[count].MaxTxid <= file.MaxTxid; count++)
        {
            youngest = Later(youngest, captures[count].Created);
        }

        return new Way(count, file.MaxTxid > way.Reached ? file.MaxTxid : way.Reached, youngest);
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a < b ? b : a;

    /// <summary>How far the captures are replaced.</summary>
    /// <param name="Count">How many.</param>
    /// <param name="Reached">The TXID that can be reached without them.</param>
    /// <param name="Youngest">Time of the youngest of them and of what takes their place.</param>
    private readonly record struct Way(int Count, Txid Reached, DateTimeOffset Youngest);
}
