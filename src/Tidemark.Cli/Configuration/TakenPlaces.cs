namespace Tidemark.Cli.Configuration;

/// <summary>The databases and destinations that are named so far. Two writers in one replica, or two captures of one database, would each
/// undo what the other does.</summary>
internal sealed class TakenPlaces
{
    private readonly HashSet<string> _databases = [];
    private readonly List<string> _destinations = [];

    /// <summary>Takes a database.</summary>
    /// <param name="path">Absolute.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public string? TakeDatabase(string path) => _databases.Add(path) ? null : $"{path} is listed twice";

    /// <summary>Takes a destination.</summary>
    /// <param name="folder">The folder of the replica.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public string? TakeDestination(string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var problem = _destinations.Select(other
            => other == folder ? $"{folder} is a destination twice"
                : IsAmongFilesOf(folder, other) ? $"{folder} lies among the files of the destination {other}"
                : IsAmongFilesOf(other, folder) ? $"{other} lies among the files of the destination {folder}"
                : null).FirstOrDefault(problem => problem is not null);
        _destinations.Add(folder);
        return problem;
    }

    // The folder of a replica may have others in it, beside ltx.
    private static bool IsAmongFilesOf(string inner, string outer)
        => (inner + Path.DirectorySeparatorChar).StartsWith(
            Path.Combine(outer, "ltx") + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
