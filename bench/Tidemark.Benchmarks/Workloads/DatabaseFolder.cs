using System.Globalization;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>A folder with many small databases, as a service has them that keeps one for each of its customers.</summary>
internal static class DatabaseFolder
{
    private const string Extension = ".db";
    private const int FirstNumber = 10_000; // So that all names have one length.
    private const int NameLength = 5 + 3;

    // Pages beside the schema: none, a few, and about twenty.
    private static readonly int[] s_contentBytes = [0, 8_000, 80_000];

    /// <summary>Creates databases of 12 to 100 KB.</summary>
    public static void Create(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        for (var i = 0; i < count; i++)
        {
            var name = (FirstNumber + i).ToString(CultureInfo.InvariantCulture) + Extension;
            SampleDatabase.CreateSmall(Path.Combine(folder, name), s_contentBytes[i % s_contentBytes.Length]);
        }
    }

    /// <summary>The databases of a folder, in the order of their names.</summary>
    public static IReadOnlyList<string> Paths(string folder)
        => [.. Directory.EnumerateFiles(folder, "*" + Extension).Order(StringComparer.Ordinal)];

    /// <summary>The name of the database in the path of something that belongs to it, or null.</summary>
    public static string? NameIn(string path)
    {
        var end = path.IndexOf(Extension, StringComparison.Ordinal) + Extension.Length;
        return end >= NameLength ? path[(end - NameLength)..end] : null;
    }
}
