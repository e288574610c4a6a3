using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Restore;

/// <summary>A file is damaged, and no other files lead to the asked-for state. The hint says what can be restored.</summary>
public sealed class DamagedFileException : TidemarkException
{
    private DamagedFileException(TidemarkException damage, LtxFileKey key, Txid? restorableTxid, string hint)
        : base(damage.Message, hint, damage)
        => (Key, RestorableTxid) = (key, restorableTxid);

    /// <summary>The file.</summary>
    public LtxFileKey Key { get; }

    /// <summary>The last state from before the file that can be restored; null if there is none.</summary>
    public Txid? RestorableTxid { get; }

    /// <summary>Finds out what can be restored without the file. Pure.</summary>
    /// <param name="damaged">The file, and what is wrong with it.</param>
    /// <param name="whole">What else the replica holds that is not known to be damaged.</param>
    internal static DamagedFileException From(DamagedFile damaged, IReadOnlyList<LtxFileInfo> whole)
    {
        var (file, failure) = damaged;

        // No plan for a state from before the end of a file uses the file.
        if (RestorePlan.RestorableTxids(whole).LastOrDefault(txid => txid < file.MaxTxid) is { IsNone: false } before)
        {
            var created = whole.Where(other => other.MaxTxid == before).Min(other => other.Created);
            return new(
                failure, file.Key, before,
                $"Restore TXID {before} of {RestoreTarget.TextOf(created)}, the last state before the file, or restore from another replica.");
        }

        return new(failure, file.Key, null, "Restore from another replica: no state before the file can be restored.");
    }
}
