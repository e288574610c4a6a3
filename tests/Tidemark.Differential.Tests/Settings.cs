using System.Globalization;

namespace Tidemark.Differential.Tests;

/// <summary>What the environment says about a run.</summary>
internal static class Settings
{
    /// <summary>Where failing scripts leave their files and logs: TIDEMARK_DIFFERENTIAL_FOLDER, or a temporary folder.</summary>
    public static string Folder { get; } = Environment.GetEnvironmentVariable("TIDEMARK_DIFFERENTIAL_FOLDER") is { Length: > 0 } named
        ? Directory.CreateDirectory(Path.GetFullPath(named)).FullName
        : Directory.CreateTempSubdirectory("tidemark-differential-").FullName;

    /// <summary>A number, or null.</summary>
    public static int? Number(string name)
    {
        var text = Environment.GetEnvironmentVariable($"TIDEMARK_DIFFERENTIAL_{name}");
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
