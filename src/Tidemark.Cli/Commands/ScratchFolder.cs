using Tidemark.Formats;

namespace Tidemark.Cli.Commands;

/// <summary>A temporary folder for one call, which is removed with all that is in it.</summary>
internal sealed class ScratchFolder : IDisposable
{
    private ScratchFolder(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Makes one that nobody else can enter.</summary>
    /// <param name="start">How its name begins.</param>
    /// <exception cref="TidemarkException">It cannot be made.</exception>
    public static ScratchFolder Create(string start)
    {
        try
        {
            return new ScratchFolder(Directory.CreateTempSubdirectory(start).FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TidemarkException(
                $"cannot make a temporary folder in {System.IO.Path.GetTempPath()}: {e.Message}",
                "Name a folder that can be written to in the variable TMPDIR.",
                e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
