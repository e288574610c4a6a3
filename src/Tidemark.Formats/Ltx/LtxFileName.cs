namespace Tidemark.Formats.Ltx;

/// <summary>The name of an LTX file: its first and last TXID.</summary>
/// <remarks>The text form is <c>min-max.ltx</c>, both with 16 lower-case hexadecimal digits. Ordered by first, then by last TXID.</remarks>
public readonly record struct LtxFileName(Txid MinTxid, Txid MaxTxid) : IComparable<LtxFileName>
{
    /// <summary>The ending of every LTX file.</summary>
    public const string Extension = ".ltx";

    private const int TextLength = (2 * Txid.TextLength) + 1 + 4;

    /// <summary>Reads the text form; false for every other name, upper-case digits included.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out LtxFileName name)
    {
        name = default;
        if (text.Length != TextLength
            || text[Txid.TextLength] != '-'
            || !text.EndsWith(Extension, StringComparison.Ordinal)
            || text.ContainsAnyInRange('A', 'F')
            || !Txid.TryParse(text[..Txid.TextLength], out var min)
            || !Txid.TryParse(text.Slice(Txid.TextLength + 1, Txid.TextLength), out var max)
            || min.IsNone
            || min > max)
        {
            return false;
        }

        name = new LtxFileName(min, max);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(LtxFileName other)
    {
        var byMin = MinTxid.CompareTo(other.MinTxid);
        return byMin != 0 ? byMin : MaxTxid.CompareTo(other.MaxTxid);
    }

    /// <summary>The text form.</summary>
    public override string ToString() => $"{MinTxid}-{MaxTxid}{Extension}";

    /// <summary>Compares by first, then by last TXID.</summary>
    public static bool operator <(LtxFileName left, LtxFileName right) => left.CompareTo(right) < 0;

    /// <summary>Compares by first, then by last TXID.</summary>
    public static bool operator >(LtxFileName left, LtxFileName right) => left.CompareTo(right) > 0;

    /// <summary>Compares by first, then by last TXID.</summary>
    public static bool operator <=(LtxFileName left, LtxFileName right) => left.CompareTo(right) <= 0;

    /// <summary>Compares by first, then by last TXID.</summary>
    public static bool operator >=(LtxFileName left, LtxFileName right) => left.CompareTo(right) >= 0;
}
