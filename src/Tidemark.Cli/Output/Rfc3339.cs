using System.Globalization;

namespace Tidemark.Cli.Output;

/// <summary>Moments as tables and JSON show them.</summary>
internal static class Rfc3339
{
    /// <summary>In UTC, to the millisecond, as files carry their times; no fraction when it is zero.</summary>
    public static string Format(DateTimeOffset moment)
        => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);

    /// <summary>In UTC, with all digits that there are.</summary>
    public static string FormatExactly(DateTimeOffset moment)
        => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
