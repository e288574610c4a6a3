using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Compaction;

/// <summary>What to merge into a level next. A pure function of what the replica holds.</summary>
/// <remarks>
/// <para>A level takes up the files of the level below that continue it, in their order. No TXID is ever passed over in silence: what
/// stands before a hole is merged, and then the hole is reported. Only where a snapshot leads over the hole, so that nothing depends on the
/// missing files any more, does the level go on behind it.</para>
/// <para>A single file is not merged, as that would only store the same bytes again: it waits for a second. One that stands before a hole
/// waits in vain, and is taken up.</para>
/// <para>A level that is empty begins with the first file below. The image at the beginning of a replica is left out if level 9 holds the
/// same: it would be written again in every level.</para>
/// </remarks>
public abstract record CompactionDecision
{
    /// <summary>The most files that are merged at once. Each costs an open stream and a buffer.</summary>
    public const int InputsMax = 64;

    private CompactionDecision()
    {
    }

    /// <summary>There is nothing to do.</summary>
    public sealed record Idle : CompactionDecision;

    /// <summary>Merge files.</summary>
    /// <param name="Inputs">The files, oldest first: at least one, at most <see cref="InputsMax"/>, each continuing or overlapping the one
    /// before.</param>
    /// <param name="Output">The file that they become.</param>
    public sealed record Merge(IReadOnlyList<LtxFileInfo> Inputs, LtxFileKey Output) : CompactionDecision;

    /// <summary>The level below lacks captures, while it holds later ones.</summary>
    /// <param name="MissingFrom">The first that is missing.</param>
    /// <param name="MissingTo">The last that is missing.</param>
    public sealed record Gap(Txid MissingFrom, Txid MissingTo) : CompactionDecision;

    /// <summary>Decides.</summary>
    /// <param name="files">What the replica holds, all levels, in any order.</param>
    /// <param name="target">The level to merge into, from 1 to 8.</param>
    /// <param name="takesSingle">Whether a single file is taken up too, so that the level is complete.</param>
    /// <exception cref="ArgumentOutOfRangeException">Captures and snapshots are not made by compaction.</exception>
    public static CompactionDecision From(IReadOnlyList<LtxFileInfo> files, Level target, bool takesSingle = false)
    {
        if (target == Level.Captured || target == Level.Snapshots)
        {
            throw new ArgumentOutOfRangeException(nameof(target), target, "Nothing is compacted into this level.");
        }

        var source = new Level(target.Value - 1);
        var snapshotEnds = files.Where(IsSnapshot).Select(file => file.MaxTxid).ToHashSet();
        var inputs = new List<LtxFileInfo>();
        var reached = files.Where(file => file.Level == target).Select(file => (Txid?)file.MaxTxid).Max();
        foreach (var file in files.Where(file => file.Level == source).OrderBy(file => file.Key.Name))
        {
            if (reached is { } end)
            {
                if (file.MaxTxid <= end)
                {
                    continue;
                }

                if (file.MinTxid.Value - 1 > end.Value)
                {
                    if (inputs.Count > 0)
                    {
                        return MergeOf(inputs, target);
                    }

                    if (!snapshotEnds.Any(snapshot => snapshot.Value >= file.MinTxid.Value - 1))
                    {
                        return new Gap(end.Next(), new Txid(file.MinTxid.Value - 1));
                    }
                }
            }
            else if (file.MinTxid == Txid.First && snapshotEnds.Contains(file.MaxTxid))
            {
                reached = file.MaxTxid;
                continue;
            }

            inputs.Add(file);
            reached = file.MaxTxid;
            if (inputs.Count == InputsMax)
            {
                break;
            }
        }

        return inputs.Count > 1 || (takesSingle && inputs.Count == 1) ? MergeOf(inputs, target) : new Idle();
    }

    /// <summary>The merge that makes a damaged file again; null when the files of lower levels do not lead through all of it, or are
    /// more than can be merged at once.</summary>
    /// <param name="files">What the replica holds, all levels, in any order.</param>
    /// <param name="output">The file to make.</param>
    internal static Merge? Again(IReadOnlyList<LtxFileInfo> files, LtxFileKey output)
    {
        var inputs = new List<LtxFileInfo>();
        var reached = output.Name.MinTxid.Value - 1;
        LtxFileInfo[] parts = [.. files.Where(file => file.Level < output.Level
            && file.MinTxid >= output.Name.MinTxid && file.MaxTxid <= output.Name.MaxTxid)];
        while (reached < output.Name.MaxTxid.Value)
        {
            LtxFileInfo[] next = [.. parts.Where(file => file.MinTxid.Value - 1 <= reached && file.MaxTxid.Value > reached)];
            if (next is [] || inputs.Count == InputsMax)
            {
                return null;
            }

            inputs.Add(next.MaxBy(file => file.MaxTxid));
            reached = inputs[^1].MaxTxid.Value;
        }

        return new Merge(inputs, output);
    }

    private static bool IsSnapshot(LtxFileInfo file) => file.Level == Level.Snapshots && file.MinTxid == Txid.First;

    private static Merge MergeOf(List<LtxFileInfo> inputs, Level target)
        => new(inputs, new LtxFileKey(target, new LtxFileName(inputs[0].MinTxid, inputs[^1].MaxTxid)));
}
