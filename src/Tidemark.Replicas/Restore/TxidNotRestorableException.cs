using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>The replica holds files, but none that lead to exactly the TXID that was asked for.</summary>
public sealed class TxidNotRestorableException : TidemarkException
{
    internal TxidNotRestorableException(Txid target, Txid? nearestBelow, Txid? nearestAbove)
        : base($"No backup leads to exactly TXID {target}.", HintFor(nearestBelow, nearestAbove))
        => (Target, NearestBelow, NearestAbove) = (target, nearestBelow, nearestAbove);

    /// <summary>What was asked for.</summary>
    public Txid Target { get; }

    /// <summary>The last TXID before it that can be restored, or null.</summary>
    public Txid? NearestBelow { get; }

    /// <summary>The first TXID after it that can be restored, or null.</summary>
    public Txid? NearestAbove { get; }

    private static string HintFor(Txid? below, Txid? above) => (below, above) switch
    {
        ({ } first, { } second) => $"The nearest states that can be restored are TXID {first} before and TXID {second} after it.",
        ({ } only, null) => $"The newest state that can be restored is TXID {only}.",
        (null, { } only) => $"The oldest state that can be restored is TXID {only}.",
        _ => "No state of this replica can be restored: nothing in it begins at the first TXID.",
    };
}
