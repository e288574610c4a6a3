using System.Globalization;
using System.Text;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>Which processes hold POSIX locks on a file, as Linux lists them in <c>/proc/locks</c>. The file itself is never opened.</summary>
internal static class FileLocks
{
    private const int ListBytesMax = 4 << 20;

    /// <summary>The processes that hold a shared lock on some of these bytes, each once; null where that cannot be found out. A process of
    /// another container has no number and is 0 or less.</summary>
    /// <param name="files">The files of this machine.</param>
    /// <param name="path">The file.</param>
    /// <param name="firstByte">The first byte that counts.</param>
    /// <param name="lastByte">The last byte that counts.</param>
    public static IReadOnlyList<int>? FindReaders(IFileSystem files, string path, long firstByte, long lastByte)
    {
        try
        {
            return files.TryGetStamp(path) is { } stamp
                ? [.. Parse(ReadText(files, "/proc/locks"), stamp.Number, firstByte, lastByte).Distinct()]
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads lines such as <c>1: POSIX  ADVISORY  READ 4711 08:01:131074 124 124</c>.</summary>
    /// <param name="locks">The list.</param>
    /// <param name="inode">The number of the file.</param>
    /// <param name="firstByte">The first byte that counts.</param>
    /// <param name="lastByte">The last byte that counts.</param>
    public static IEnumerable<int> Parse(string locks, ulong inode, long firstByte, long lastByte)
    {
        var ending = string.Create(CultureInfo.InvariantCulture, $":{inode}");
        foreach (var line in locks.Split('\n'))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "POSIX", _, "READ", var process, var file, var first, var last]
                && file.EndsWith(ending, StringComparison.Ordinal)
                && int.TryParse(process, CultureInfo.InvariantCulture, out var id)
                && long.TryParse(first, CultureInfo.InvariantCulture, out var from)
                && long.TryParse(last, CultureInfo.InvariantCulture, out var to)
                && from >= firstByte
                && to <= lastByte)
            {
                yield return id;
            }
        }
    }

    /// <summary>Reads a file of <c>/proc</c>, which tells no length.</summary>
    public static string ReadText(IFileSystem files, string path)
    {
        using var file = files.Open(path, FileMode.Open, FileAccess.Read);
        using var text = new MemoryStream();
        var buffer = new byte[4096];
        for (int count; text.Length < ListBytesMax && (count = file.Read(text.Length, buffer)) > 0;)
        {
            text.Write(buffer, 0, count);
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }
}
