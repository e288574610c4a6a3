using System.Globalization;
using System.Text;
using Tidemark.Formats;
using Tidemark.Formats.Database;

namespace Tidemark.Replicas.Follow;

/// <summary>What is written before a batch is applied: the state that it leads from, and the one that it leads to.</summary>
/// <remarks>
/// <para>So whatever happens in between, the content of the database tells which of the two it is.</para>
/// <code>
///   tidemark follow 1
///   from TXID LINEAGE PAGE_SIZE PAGES REST FIRST SOURCE_FIRST     or "from none"
///   to   TXID LINEAGE PAGE_SIZE PAGES REST FIRST SOURCE_FIRST     numbers in hexadecimal, an unknown one is "-"
///   check CRC                                                     CRC-64 of the lines before
/// </code>
/// </remarks>
/// <param name="From">The state before; null where it was not known.</param>
/// <param name="To">The state after.</param>
internal sealed record FollowRecord(OutputState? From, OutputState To)
{
    private const string Title = "tidemark follow 1";
    private const string CheckStart = "check ";
    private const string Unknown = "-";

    /// <summary>The state that a content belongs to; null if it is neither.</summary>
    public OutputState? Find(in OutputContent content)
        => To.Content == content ? To
            : From is { } from && from.Content == content ? from
            : null;

    /// <summary>Makes the text.</summary>
    public string Format()
    {
        var lines = $"{Title}\nfrom {(From is null ? "none" : Format(From))}\nto {Format(To)}\n";
        return $"{lines}{CheckStart}{Check(lines)}\n";
    }

    /// <summary>Reads the text; null when it is not whole.</summary>
    public static FollowRecord? Parse(string text)
    {
        var end = text.IndexOf(CheckStart, StringComparison.Ordinal);
        if (end < 0 || text[end..].TrimEnd() != CheckStart + Check(text[..end]))
        {
            return null;
        }

        return text[..end].Split('\n') is [Title, var from, var to, ""] && ParseState(to, "to") is { } after
            ? new FollowRecord(ParseState(from, "from"), after)
            : null;
    }

    private static string Check(string lines) => $"{Crc64Iso.Append(0, Encoding.UTF8.GetBytes(lines)):x16}";

    private static string Format(OutputState state)
    {
        var content = state.Content;
        var source = state.SourceFirstPage is { } first ? first.ToString("x16", CultureInfo.InvariantCulture) : Unknown;
        return $"{state.Txid} {state.Lineage} {content.PageSize.Bytes:x} {content.Pages:x} {content.Rest} {content.FirstPage:x16} {source}";
    }

    private static OutputState? ParseState(string line, string name)
    {
        if (line.Split(' ') is not [var word, var txid, var lineage, var pageSize, var pages, var rest, var first, var source]
            || word != name
            || !Txid.TryParse(txid, out var state)
            || !TryNumber(pageSize, out var bytes)
            || !TryNumber(pages, out var count)
            || !TryNumber(lineage, out var writer)
            || !TryNumber(rest, out var restChecksum)
            || !TryNumber(first, out var firstPage)
            || count > uint.MaxValue)
        {
            return null;
        }

        _ = PageSize.TryFromBytes((long)bytes, out var size);
        var content = new OutputContent(size, (uint)count, new DatabaseChecksum(restChecksum), firstPage);
        return new OutputState(state, new Lineage(writer), content, TryNumber(source, out var sourceFirst) ? sourceFirst : null);
    }

    private static bool TryNumber(string text, out ulong number)
        => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
}
