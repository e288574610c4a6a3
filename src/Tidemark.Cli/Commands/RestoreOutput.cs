using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Cli.Commands;

/// <summary>The place where a restored database goes.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Files">The files of this machine.</param>
internal sealed record RestoreOutput(string Path, IFileSystem Files)
{
    private static readonly string[] s_sidecarEndings = ["-wal", "-shm", "-journal"];

    /// <summary>Whether there is something of this name.</summary>
    public bool Exists => Files.FileExists(Path) || Files.DirectoryExists(Path);

    /// <summary>Refuses to write over anything that somebody may need.</summary>
    /// <remarks>A WAL or a journal of an earlier database is as dangerous as the database: SQLite would replay it into the restored file.</remarks>
    /// <exception cref="TidemarkException">There is a folder, or without <paramref name="isForced"/> a database or a sidecar of one.</exception>
    public void ThrowIfTaken(bool isForced)
    {
        if (Files.DirectoryExists(Path))
        {
            throw new TidemarkException($"cannot restore, output path is a directory: {Path}", "Name a file with -o.");
        }

        if (isForced)
        {
            return;
        }

        if (Files.TryGetFacts(Path) is { SizeBytes: > 0 })
        {
            throw new TidemarkException(
                $"cannot restore, output path already exists and is not empty: {Path}", "Use -force to overwrite it, or -o to write elsewhere.");
        }

        if (Array.Find(s_sidecarEndings, ending => Files.FileExists(Path + ending)) is { } found)
        {
            throw new TidemarkException(
                $"cannot restore, SQLite sidecar path already exists: {Path}{found}", "It belongs to an earlier database. Use -force to remove it with the rest.");
        }
    }
}
