using Tidemark.Replicas.Files;

namespace Tidemark.Cli.Configuration;

/// <summary>Where the configuration file is when no flag names one.</summary>
internal static class ConfigLocation
{
    private static readonly string[] s_variables = ["TIDEMARK_CONFIG", "LITESTREAM_CONFIG"];
    private static readonly string[] s_files = ["/etc/tidemark.yml", "/etc/litestream.yml"];

    /// <summary>Whether the flag or a variable names a file, or one of the files exists.</summary>
    public static bool IsThere(string flag, IFileSystem files, Func<string, string?> variable)
        => s_variables.Select(variable).Prepend(flag).Any(path => !string.IsNullOrEmpty(path)) || s_files.Any(files.FileExists);

    /// <summary>The flag, else the first variable that is set, else the first file that exists, else the first of the files.</summary>
    public static string Find(string flag, IFileSystem files, Func<string, string?> variable)
    {
        var named = s_variables.Select(variable).Prepend(flag).FirstOrDefault(path => !string.IsNullOrEmpty(path));
        return named is null ? Array.Find(s_files, files.FileExists) ?? s_files[0] : PathExpansion.Expand(named, variable);
    }
}
