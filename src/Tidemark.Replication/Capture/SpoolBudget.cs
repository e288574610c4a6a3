namespace Tidemark.Replication.Capture;

/// <summary>How many bytes of captures may wait in the spool for destinations that lack them.</summary>
/// <param name="BytesMax">What was asked for; zero: no bound.</param>
/// <param name="DatabaseBytes">Size of the database. Never less than twice of it is kept: the full image that a destination gets instead of
/// what was dropped costs no less.</param>
internal readonly record struct SpoolBudget(long BytesMax, long DatabaseBytes)
{
    /// <summary>The bound in bytes.</summary>
    public long LimitBytes => BytesMax == 0 ? long.MaxValue : Math.Max(BytesMax, 2 * DatabaseBytes);

    /// <summary>Whether nothing has to go.</summary>
    public bool Allows(long captureBytes) => captureBytes <= LimitBytes;

    /// <summary>How many of the oldest captures have to go, so that half of the bound is left: a destination that lacks one of them gains
    /// nothing from those after it. Never the newest one, from which the position can be recovered.</summary>
    /// <param name="sizesBytes">Sizes of all captures, oldest first.</param>
    public int CountToDrop(IReadOnlyList<long> sizesBytes)
    {
        var total = sizesBytes.Sum();
        if (Allows(total))
        {
            return 0;
        }

        var count = 0;
        while (count < sizesBytes.Count - 1 && total > LimitBytes / 2)
        {
            total -= sizesBytes[count++];
        }

        return count;
    }
}
