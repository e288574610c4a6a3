using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tidemark.Cli.Arguments;

/// <summary>Durations as configuration files and flags write them: <c>1h30m</c>, <c>1.5s</c>, <c>500ms</c>.</summary>
internal static class GoDuration
{
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    // The longer names first: "ms" must not be read as "m".
    private static readonly (string Name, decimal Ticks)[] s_units =
    [
        ("ns", 0.01m), ("us", 10m), ("µs", 10m), ("μs", 10m), ("ms", TimeSpan.TicksPerMillisecond),
        ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>Reads a duration above zero.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static TimeSpan ParsePositive(string text)
        => Parse(text) is var duration && duration > TimeSpan.Zero ? duration : throw new FormatException("must be greater than 0");

    /// <summary>Reads a duration. Parts below 100 ns are cut off.</summary>
    /// <exception cref="FormatException">The text is no duration; a number without a unit is none, except 0.</exception>
    public static TimeSpan Parse(string text)
    {
        var rest = text.AsSpan();
        var isNegative = rest is ['-', ..];
        if (rest is ['-' or '+', ..])
        {
            rest = rest[1..];
        }

        if (rest is "0")
        {
            return TimeSpan.Zero;
        }

        if (rest.IsEmpty)
        {
            throw Malformed();
        }

        var ticks = 0m;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(s_digits);
            if (digits < 0 && decimal.TryParse(rest, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _))
            {
                // The original takes such a number as nanoseconds, which nobody who writes it means.
                throw new FormatException($"has no unit after {rest}; write {rest}s for seconds or {rest}ms for milliseconds");
            }

            if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out var number))
            {
                throw Malformed();
            }

            rest = rest[digits..];
            var unit = TakeUnit(ref rest);
            ticks += Math.Min(number, long.MaxValue) * unit;
        }

        return ticks <= long.MaxValue
            ? TimeSpan.FromTicks(isNegative ? -(long)ticks : (long)ticks)
            : throw new FormatException("is longer than a duration can be");
    }

    /// <summary>The shortest text that <see cref="Parse"/> reads back, for example <c>1h0m0s</c> or <c>500ms</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        var ticks = Math.Abs((decimal)duration.Ticks);
        var text = new StringBuilder(duration < TimeSpan.Zero ? "-" : "");
        if (ticks < TimeSpan.TicksPerSecond)
        {
            var (name, unit) = ticks < TimeSpan.TicksPerMillisecond ? ("µs", 10m) : ("ms", TimeSpan.TicksPerMillisecond);
            return text.Append(CultureInfo.InvariantCulture, $"{ticks / unit:0.####}{name}").ToString();
        }

        var hours = Math.Floor(ticks / TimeSpan.TicksPerHour);
        var minutes = Math.Floor(ticks % TimeSpan.TicksPerHour / TimeSpan.TicksPerMinute);
        if (hours > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{hours}h");
        }

        if (hours > 0 || minutes > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{minutes}m");
        }

        return text.Append(CultureInfo.InvariantCulture,
            $"{ticks % TimeSpan.TicksPerMinute / TimeSpan.TicksPerSecond:0.#######}s").ToString();
    }

    private static decimal TakeUnit(ref ReadOnlySpan<char> rest)
    {
        foreach (var (name, ticks) in s_units)
        {
            if (rest.StartsWith(name, StringComparison.Ordinal))
            {
                rest = rest[name.Length..];
                return ticks;
            }
        }

        throw Malformed();
    }

    private static FormatException Malformed() => new("must be a duration such as 1h30m, 10s or 500ms");
}
