using System.Globalization;

namespace Tidemark.Cli.Configuration;

/// <summary>Scalars by the rules of YAML 1.1, which existing files rely on.</summary>
internal static class YamlScalar
{
    /// <summary>Yes or no in the spellings of YAML 1.1.</summary>
    public static bool Boolean(string text) => text switch
    {
        "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON" => true,
        "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF" => false,
        _ => throw new FormatException("must be true or false"),
    };

    /// <summary>A whole number: decimal, <c>0x</c>, <c>0o</c> or a leading zero (octal), <c>0b</c>; underscores part digits.</summary>
    public static long Integer(string text)
    {
        var isNegative = text.StartsWith('-');
        var digits = (isNegative || text.StartsWith('+') ? text[1..] : text).Replace("_", "", StringComparison.Ordinal);
        var (radix, start) = digits switch
        {
            ['0', 'x' or 'X', ..] => (16, 2),
            ['0', 'o' or 'O', ..] => (8, 2),
            ['0', 'b' or 'B', ..] => (2, 2),
            ['0', _, ..] => (8, 1),
            _ => (10, 0),
        };
        try
        {
            var value = radix == 10
                ? long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture)
                : Convert.ToInt64(digits[start..], radix);
            return isNegative ? -value : value;
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw new FormatException("must be a whole number", e);
        }
    }
}
