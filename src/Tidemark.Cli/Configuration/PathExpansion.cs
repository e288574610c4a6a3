namespace Tidemark.Cli.Configuration;

/// <summary>Paths as people write them.</summary>
internal static class PathExpansion
{
    /// <summary>The URL or path of a replica, with the home folder for a leading <c>~</c> of a path.</summary>
    /// <exception cref="ConfigException">There is no home folder.</exception>
    public static string OfReplica(string text, Func<string, string?> variable) => IsOfHome(text) ? Expand(text, variable) : text;

    /// <summary>Makes a path absolute; strips <c>sqlite://</c> and puts the home folder for a leading <c>~</c>.</summary>
    /// <exception cref="ConfigException">There is no home folder.</exception>
    public static string Expand(string path, Func<string, string?> variable)
    {
        foreach (var scheme in (ReadOnlySpan<string>)["sqlite3://", "sqlite://"])
        {
            if (path.StartsWith(scheme, StringComparison.Ordinal))
            {
                path = path[scheme.Length..];
                break;
            }
        }

        if (IsOfHome(path))
        {
            var home = variable("HOME");
            if (string.IsNullOrEmpty(home))
            {
                throw new ConfigException($"cannot expand path {path}: there is no home folder", "Set HOME, or write the whole path.");
            }

            path = home + path[1..];
        }

        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
    }

    private static bool IsOfHome(string path) => path == "~" || path.StartsWith("~/", StringComparison.Ordinal);
}
