using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Follow;

/// <summary>Files that lead from one state to the newest one that can be reached: of any level below the snapshots, each continuing or
/// overlapping the one before, and together the fewest bytes. Pure.</summary>
/// <remarks>
/// A file of a higher level has each page once where those of level 0 have it many times, so it is usually chosen where there is one. A
/// file that begins before the position is as good as one that begins after it: applying a change a second time does nothing.
/// </remarks>
internal sealed record FollowChain
{
    /// <summary>How many files are applied at once. Each costs a buffer, and more are taken up in further rounds.</summary>
    public const int FilesMax = 64;

    private FollowChain(IReadOnlyList<LtxFileInfo> files, bool hasMore) => (Files, HasMore) = (files, hasMore);

    /// <summary>The files, oldest first; none when nothing continues the state.</summary>
    public IReadOnlyList<LtxFileInfo> Files { get; }

    /// <summary>Whether the chain goes on after these files.</summary>
    public bool HasMore { get; }

    /// <summary>Chooses the files that lead on from <paramref name="position"/>.</summary>
    public static FollowChain From(IReadOnlyList<LtxFileInfo> files, Txid position)
    {
        LtxFileInfo[] candidates = [.. files
            .Where(file => file.Level != Level.Snapshots && file.MaxTxid > position)
            .OrderBy(file => file.MaxTxid)
            .ThenByDescending(file => file.Level)];

        // The cheapest way to each end, by ascending end: every file that can come before one ends before it.
        var ends = new List<Way> { new(position, 0, 0, -1, default) };
        foreach (var file in candidates)
        {
            if (CheapestBefore(ends, file) is not { } before)
            {
                continue;
            }

            var way = new Way(file.MaxTxid, ends[before].Bytes + file.SizeBytes, ends[before].Count + 1, before, file);
            if (ends[^1].End < way.End)
            {
                ends.Add(way);
            }
            else if (way.IsCheaperThan(ends[^1]))
            {
                ends[^1] = way;
            }
        }

        var chosen = new List<LtxFileInfo>();
        for (var i = ends.Count - 1; i > 0; i = ends[i].Before)
        {
            chosen.Add(ends[i].File);
        }

        chosen.Reverse();
        return new FollowChain([.. chosen.Take(FilesMax)], chosen.Count > FilesMax);
    }

    /// <summary>Of the ways that a file continues, the cheapest; null if it continues none.</summary>
    private static int? CheapestBefore(List<Way> ends, in LtxFileInfo file)
    {
        int? cheapest = null;
        for (var i = ends.Count - 1; i >= 0 && ends[i].End.Value >= file.MinTxid.Value - 1; i--)
        {
            if (ends[i].End < file.MaxTxid && (cheapest is not { } other || !ends[other].IsCheaperThan(ends[i])))
            {
                cheapest = i;
            }
        }

        return cheapest;
    }

    private readonly record struct Way(Txid End, long Bytes, int Count, int Before, LtxFileInfo File)
    {
        public bool IsCheaperThan(in Way other) => Bytes != other.Bytes ? Bytes < other.Bytes : Count < other.Count;
    }
}
