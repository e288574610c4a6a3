using System.Globalization;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Tests.Legacy;

/// <summary>Listings of v0.3 replicas as text: <c>generation:index@time</c> for a snapshot, <c>generation:index+offset@time</c> for a part
/// of a WAL; numbers are hexadecimal, times are seconds.</summary>
internal static class LegacyListing
{
    public static LegacyFileInfo[] Parse(string text) => [.. text.Split(' ').Select(ParseFile)];

    public static string Text(IEnumerable<LegacyFileInfo> files) => string.Join(' ', files.Select(file =>
        $"{file.Key.Generation[0]}:{file.Key.Index:x}{(file.Key.Offset is { } offset ? $"+{offset:x}" : "")}"));

    public static DateTimeOffset TimeOf(int seconds) => DateTimeOffset.FromUnixTimeSeconds(1_790_000_000 + seconds);

    private static LegacyFileInfo ParseFile(string text)
    {
        var parts = text.Split(':', '@');
        static long Number(string digits) => long.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var numbers = parts[1].Split('+').Select(Number).ToArray();
        var key = new LegacyFileKey(new string(parts[0][0], 16), (uint)numbers[0], numbers.Length > 1 ? numbers[1] : null);
        return new LegacyFileInfo(key, 100, TimeOf(int.Parse(parts[2], CultureInfo.InvariantCulture)));
    }
}
