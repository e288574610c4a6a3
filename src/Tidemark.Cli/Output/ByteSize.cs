using System.Globalization;

namespace Tidemark.Cli.Output;

/// <summary>Sizes for people.</summary>
internal static class ByteSize
{
    private static readonly string[] s_units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

    /// <summary>In powers of 1000, with one decimal below 10.</summary>
    public static string Format(long bytes)
    {
        var value = (decimal)bytes;
        var unit = 0;
        while (value >= 999.5m && unit < s_units.Length - 1)
        {
            value /= 1000;
            unit++;
        }

        return value.ToString(unit > 0 && value < 9.95m ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + s_units[unit];
    }
}
