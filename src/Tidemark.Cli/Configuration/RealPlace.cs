using Tidemark.Replicas.Files;

namespace Tidemark.Cli.Configuration;

/// <summary>Where a path really leads: two paths of one place, by symbolic links, bind mounts or another case of the letters, have the same
/// marks.</summary>
internal static class RealPlace
{
    /// <summary>The marks of the place itself and of all folders above it, from the place up. The place need not exist.</summary>
    /// <remarks>
    /// What exists is told by its device and number in the file system, all else by its names below the nearest folder that exists. Where
    /// the
    /// system has no such numbers, the paths are the marks.
    /// </remarks>
    public static IReadOnlyList<string> MarksOf(string path, IFileSystem files)
    {
        var folder = FinalPath(path, files);
        var missing = new Stack<string>();
        string? mark;
        while ((mark = MarkOf(folder, files)) is null)
        {
            if (Path.GetDirectoryName(folder) is not { } above)
            {
                return PathsOf(path);
            }

            missing.Push(Path.GetFileName(folder));
            folder = above;
        }

        var marks = new List<string>();
        for (var count = missing.Count; count > 0; count--)
        {
            marks.Add($"{mark}/{string.Join('/', missing.Take(count))}");
        }

        marks.Add(mark);
        if (!files.DirectoryExists(folder))
        {
            folder = Path.GetDirectoryName(FinalPath(folder, files))!;
            marks.Add(MarkOf(folder, files) ?? folder);
        }

        // By the system's own steps up: those of the path would leave a link on the side from which it was entered.
        for (folder += "/.."; MarkOf(folder, files) is { } up && up != marks[^1]; folder += "/..")
        {
            marks.Add(up);
        }

        return marks;
    }

    private static string? MarkOf(string path, IFileSystem files)
        => files.TryGetStamp(path) is { Number: not 0 } stamp ? $"{stamp.Device}:{stamp.Number}" : null;

    private static string FinalPath(string path, IFileSystem files)
    {
        try
        {
            return files.FinalPath(path);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            return Path.GetFullPath(path); // Links in a circle. Whoever opens it is told.
        }
    }

    private static List<string> PathsOf(string path)
    {
        var paths = new List<string>();
        for (var part = Path.GetFullPath(path); part is not null; part = Path.GetDirectoryName(part))
        {
            paths.Add(part);
        }

        return paths;
    }
}
