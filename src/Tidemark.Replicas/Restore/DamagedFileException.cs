using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Restore;

/// <summary>A file that the asked-for state needs is damaged. The hint says what can be restored without it.</summary>
public sealed class DamagedFileException : TidemarkException
{
    private DamagedFileException(LtxFormatException damage, LtxFileKey key, Txid? restorableTxid, string hint)
        : base(damage.Message, hint, damage)
        => (Key, RestorableTxid) = (key, restorableTxid);

    /// <summary>The file.</summary>
    public LtxFileKey Key { get; }

    /// <summary>The state that was asked for, if other files lead to it, or else the last one from before the file; null if there is
    /// neither.</summary>
    public Txid? RestorableTxid { get; }

    /// <summary>Finds out what can be restored without the file. Pure.</summary>
    /// <param name="damage">What is wrong with it.</param>
    /// <param name="file">The file.</param>
    /// <param name="target">The state that was asked for.</param>
    /// <param name="listed">What the replica holds.</param>
    internal static DamagedFileException From(LtxFormatException damage, LtxFileInfo file, Txid target, IReadOnlyList<LtxFileInfo> listed)
    {
        var restorable = RestorePlan.RestorableTxids(listed.Where(other => other.Key != file.Key));
        if (restorable.Contains(target))
        {
            return new(
                damage, file.Key, target, $"Move the file away, and restore TXID {target} again: other files lead to the same state.");
        }

        // No plan for a state from before the end of a file uses the file.
        if (restorable.LastOrDefault(txid => txid < file.MaxTxid) is { IsNone: false } before)
        {
            var created = listed.Where(other => other.MaxTxid == before).Min(other => other.Created);
            return new(
                damage, file.Key, before,
                $"Restore TXID {before} of {RestoreTarget.TextOf(created)}, the last state before the file, or restore from another replica.");
        }

        return new(damage, file.Key, null, "Restore from another replica: no state before the file can be restored.");
    }
}
