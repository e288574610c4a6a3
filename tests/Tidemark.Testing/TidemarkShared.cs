namespace Tidemark.Testing;

/// <summary>The folder of shared material: replicas that the original program wrote, and tools that know nothing of this code.</summary>
/// <remarks>
/// It lies beside the repository, or where the environment variable TIDEMARK_SHARED says. A test that needs it fails without it: a skipped
/// test would look like a passed one.
/// </remarks>
public static class TidemarkShared
{
    private const string Variable = "TIDEMARK_SHARED";
    private const string HowTo = $"Put it beside the repository as ../shared, or set the environment variable {Variable} to its path.";

    private static readonly Lazy<string> s_root = new(Find);

    /// <summary>The folder.</summary>
    public static string Root => s_root.Value;

    /// <summary>The folder of fixtures.</summary>
    public static string Fixtures => Folder("fixtures");

    /// <summary>A folder of the shared material.</summary>
    public static string Folder(string name) => Existing(Path.Combine(Root, name));

    /// <summary>All LTX files of all fixtures, as paths relative to <see cref="Fixtures"/> with slashes.</summary>
    public static IReadOnlyList<string> LtxFiles()
        => [.. Directory.EnumerateFiles(Fixtures, "*.ltx", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Fixtures, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal)];

    /// <summary>The bytes of one file of the fixtures.</summary>
    public static byte[] ReadFixture(string relativePath)
    {
#pragma warning disable RS0030 // Fixtures are plain files that nobody writes.
        return File.ReadAllBytes(Path.Combine(Fixtures, relativePath));
#pragma warning restore RS0030
    }

    private static string Find()
    {
        var named = Environment.GetEnvironmentVariable(Variable);
        return Existing(string.IsNullOrEmpty(named) ? Path.Combine(RepositoryRoot(), "..", "shared") : named);
    }

    /// <summary>The root of the repository, found above the running test.</summary>
    public static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.GetFiles("Tidemark.slnx").Length > 0)
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"The repository's root was not found above {AppContext.BaseDirectory}. {HowTo}");
    }

    private static string Existing(string path)
        => Directory.Exists(path)
            ? Path.GetFullPath(path)
            : throw new DirectoryNotFoundException(
                $"The shared test material is missing: there is no folder {Path.GetFullPath(path)}. {HowTo}");
}
