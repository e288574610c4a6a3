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
    /// <param name="compacted">The files of levels 1 to 8.</param>
    /// <param name="floor">Up to where history is given up.</param>
    /// <param name="now">The present.</param>
    /// <param name="retention">How old a capture must be, and what takes its place; zero keeps all.</param>
    /// <remarks>
    /// <para>A compacted file takes the place of captures when it continues those before it, back to the floor or to the first TXID,
    /// and when it is old enough itself: a restore that began before it was there may rely on the captures. It can give no state in the
    /// middle of it, so its captures go together.</para>
    /// <para>The floor needs no such chain. It is also later than every capture up to it, so that it tells the age of those whose
    /// own time lies in the future.</para>
    /// </remarks>
    public static CaptureExpiry From(
        IReadOnlyList<LtxFileInfo> captures, IEnumerable<LtxFileInfo> compacted, Txid? floor, DateTimeOffset now, TimeSpan retention)
    {
        if (retention == TimeSpan.Zero || captures.Count == 0)
        {
            return new CaptureExpiry([], null);
        }

        var head = captures[^1].MaxTxid;
        var reached = floor ?? Txid.None;
        var count = 0;
        for (; count < captures.Count - 1 && captures[count].MaxTxid <= reached; count++)
        {
            var leavesAt = FileAge.Reaches(captures[count].Created, retention);
            if (leavesAt > now && captures[count].Created <= now)
            {
                return new CaptureExpiry([.. captures.Take(count)], leavesAt);
            }
        }

        var youngest = DateTimeOffset.MinValue;
        foreach (var file in compacted.Where(file => file.MaxTxid > reached && file.MaxTxid <= head).OrderBy(file => file.MaxTxid))
        {
            if (file.MinTxid.Value - 1 > reached.Value)
            {
                break;
            }

            reached = file.MaxTxid;
            var replaced = captures.Take(captures.Count - 1).Skip(count).TakeWhile(capture => capture.MaxTxid <= file.MaxTxid).ToList();
            youngest = replaced.Append(file).Select(part => part.Created).Append(youngest).Max();
            var leavesAt = FileAge.Reaches(youngest, retention);
            if (replaced.Count > 0 && leavesAt > now)
            {
                return new CaptureExpiry([.. captures.Take(count)], leavesAt);
            }

            count += replaced.Count;
        }

        return new CaptureExpiry([.. captures.Take(count)], null);
    }
}
