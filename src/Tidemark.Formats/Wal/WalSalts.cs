using System.Globalization;

namespace Tidemark.Formats.Wal;

/// <summary>The two random numbers that mark all frames of one run of a WAL. A restarted WAL has others; they prove nothing about
/// order.</summary>
/// <remarks>See https://www.sqlite.org/fileformat2.html#walformat.</remarks>
public readonly record struct WalSalts(uint Salt1, uint Salt2)
{
    /// <summary>Both numbers in hexadecimal, separated by a slash.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Salt1:x8}/{Salt2:x8}");
}
