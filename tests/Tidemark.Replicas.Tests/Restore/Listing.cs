using System.Globalization;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>Listings as text: <c>level:min-max@time</c>, in decimal. Without a time, the last TXID is the time.</summary>
internal static class Listing
{
    public static LtxFileInfo[] Parse(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ParseFile)];

    public static LtxFileInfo ParseFile(string text)
    {
        var parts = text.Split(':', '-', '@');
        ulong Number(int index) => ulong.Parse(parts[index], CultureInfo.InvariantCulture);
        var time = parts.Length > 3 ? Number(3) : Number(2);
        return File((int)Number(0), Number(1), Number(2), (int)time);
    }

    public static LtxFileInfo File(int level, ulong min, ulong max, int time)
        => new(new LtxFileKey(new Level(level), new LtxFileName(new Txid(min), new Txid(max))), 1_000, History.TimeOf(time));

    public static string Text(IEnumerable<LtxFileInfo> files)
        => string.Join(' ', files.Select(file => $"{file.Level}:{file.MinTxid.Value}-{file.MaxTxid.Value}"));
}
