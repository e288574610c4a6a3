using System.Globalization;
using System.Text.RegularExpressions;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Cli.Arguments;

/// <summary>Parsers of flag values. A <see cref="FormatException"/> says what would be right.</summary>
internal static partial class FlagValue
{
    /// <summary>Date, then time to the minute or to any fraction of a second, then offset; what is missing at the end is zero.</summary>
    private static readonly string[] s_timestampForms =
    [
        "yyyy-MM-dd",
        .. from separator in (string[])["'T'", "' '"]
           from time in (string[])["HH:mm", "HH:mm:ss.FFFFFFF"]
           from offset in (string[])["", "'Z'", "zzz"]
           select $"yyyy-MM-dd{separator}{time}{offset}",
    ];

    /// <summary>The spellings that scripts use.</summary>
    public static bool Boolean(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new FormatException("must be true or false"),
    };

    /// <summary>A whole number of at least one.</summary>
    public static int PositiveInteger(string text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0
            ? value
            : throw new FormatException("must be a whole number of at least 1");

    /// <summary>How often to look for something new; zero or less is a second, as scripts may have it.</summary>
    public static TimeSpan PollInterval(string text) => GoDuration.Parse(text) switch
    {
        { Ticks: <= 0 } => TimeSpan.FromSeconds(1),
        { TotalHours: > 24 } => throw new FormatException("must be at most 24h"),
        var interval => interval,
    };

    /// <summary>A TXID; all zeros mean none.</summary>
    public static Txid Txid(string text)
        => Formats.Txid.TryParse(text, out var txid) ? txid
            : throw new FormatException("must be 16 hexadecimal digits, for example 000000000000002a");

    /// <summary>One level, or all of them.</summary>
    public static IReadOnlyList<Level> Levels(string text)
    {
        if (text == "all")
        {
            return [.. Level.All];
        }

        return text is [>= '0' and <= '9'] ? [new Level(text[0] - '0')] : throw new FormatException("must be a level from 0 to 9, or all");
    }

    /// <summary>A moment, in UTC unless it has an offset: RFC 3339, also with a space between date and time, without seconds, or the date
    /// alone. Digits beyond 100 ns are cut off.</summary>
    public static DateTimeOffset Timestamp(string text)
        => DateTimeOffset.TryParseExact(
            NanosecondDigits().Replace(text, "$1"), s_timestampForms, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var moment)
            ? moment
            : throw new FormatException("must be a moment, for example 2026-01-31T12:00:00Z, 2026-01-31 12:00 or 2026-01-31");

    [GeneratedRegex(@"(\.[0-9]{7})[0-9]{1,2}(?=Z|[+-]|\z)", RegexOptions.CultureInvariant)]
    private static partial Regex NanosecondDigits();
}
