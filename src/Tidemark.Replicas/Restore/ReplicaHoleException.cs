using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>Files that the asked-for state needs are missing from the replica, while later ones are there.</summary>
public sealed class ReplicaHoleException : TidemarkException
{
    internal ReplicaHoleException(Txid missingFrom, Txid missingTo, Txid? restorableTo)
        : base(
            $"The replica has a hole: TXIDs {missingFrom} to {missingTo} are in no file, but later ones are.",
            restorableTo is { } txid
                ? $"Restore TXID {txid}, the last state before the hole, or bring the missing files back."
                : "Bring the missing files back: nothing before the hole can be restored.")
        => (MissingFrom, MissingTo, RestorableTo) = (missingFrom, missingTo, restorableTo);

    /// <summary>The first TXID that is in no file.</summary>
    public Txid MissingFrom { get; }

    /// <summary>The last TXID that is in no file.</summary>
    public Txid MissingTo { get; }

    /// <summary>The last TXID before the hole that can be restored, or null if there is none.</summary>
    public Txid? RestorableTo { get; }
}
