using System.Globalization;

namespace Tidemark.Formats;

/// <summary>The number of a capture: dense, 64 bits, from 1.</summary>
/// <remarks>
/// The default value, <see cref="None"/>, means "before the first capture". The text form is always 16 lower-case hexadecimal digits, so
/// that names sort as numbers do.
/// </remarks>
public readonly record struct Txid(ulong Value) : IComparable<Txid>
{
    /// <summary>Digits of the text form.</summary>
    public const int TextLength = 16;

    /// <summary>Before the first capture.</summary>
    public static Txid None => default;

    /// <summary>The first capture of a database. A file that starts here is a snapshot: it holds every page.</summary>
    public static Txid First => new(1);

    /// <summary>True for <see cref="None"/>.</summary>
    public bool IsNone => Value == 0;

    /// <summary>The capture that follows this one.</summary>
    /// <exception cref="OverflowException">This is the last of the 64-bit numbers.</exception>
    public Txid Next() => new(checked(Value + 1));

    /// <summary>Reads the text form; upper-case digits are accepted, any other length than 16 is not.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Txid txid)
    {
        txid = default;
        if (text.Length != TextLength || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        txid = new Txid(value);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(Txid other) => Value.CompareTo(other.Value);

    /// <summary>16 lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Compares by number.</summary>
    public static bool operator <(Txid left, Txid right) => left.Value < right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >(Txid left, Txid right) => left.Value > right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator <=(Txid left, Txid right) => left.Value <= right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >=(Txid left, Txid right) => left.Value >= right.Value;
}
