using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Compaction;

/// <summary>Temporary files of this machine that merges need for themselves, in a folder that nobody else uses.</summary>
/// <remarks>
/// <code>
///   FOLDER/index-RANDOM.tmp            the index of a file that is being made, when it is large; has lost its name when it is used
///   FOLDER/merges/ltx/1/MIN-MAX.ltx    merges that are only steps to another one
/// </code>
/// </remarks>
internal sealed class MergeFolder(IFileSystem files, string folder)
{
    private const string IndexStart = "index-";
    private const string IndexEnding = ".tmp";

    /// <summary>The folder.</summary>
    public string Path => folder;

    /// <summary>The level that <see cref="OpenStore"/> is used for.</summary>
    public static Level Level => new(1);

    private string StorePath => System.IO.Path.Combine(folder, "merges");

    /// <summary>The place of merges that are only steps to another one. Anew for each run, since <see cref="Clear"/> removes its
    /// folders.</summary>
    public LocalStore OpenStore() => new(StorePath, files);

    /// <summary>Makes a file for a large index. It is gone when it is closed, also if this process is killed.</summary>
    public Stream CreateIndex()
    {
        files.CreateDirectory(folder);
        var path = System.IO.Path.Combine(folder, $"{IndexStart}{Guid.NewGuid():n}{IndexEnding}");
        var file = files.Open(path, FileMode.CreateNew, FileAccess.ReadWrite);
        files.Delete(path);
        return new FileContentStream(file);
    }

    /// <summary>Removes the merges of the run that ends, or what a killed process has left. What cannot be removed costs space and nothing
    /// else.</summary>
    public void Clear()
    {
        try
        {
            RemoveAll();
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            // The next run tries again.
        }
    }

    private static bool IsIndex(string name)
        => name.StartsWith(IndexStart, StringComparison.Ordinal) && name.EndsWith(IndexEnding, StringComparison.Ordinal);

    private void RemoveAll()
    {
        foreach (var name in files.ListFiles(folder).Where(IsIndex))
        {
            _ = files.TryDeleteUnused(System.IO.Path.Combine(folder, name));
        }

        var levels = System.IO.Path.Combine(StorePath, "ltx");
        var level = System.IO.Path.Combine(levels, Level.ToString());
        if (!files.DirectoryExists(StorePath))
        {
            return;
        }

        foreach (var name in files.ListFiles(level))
        {
            files.Delete(System.IO.Path.Combine(level, name));
        }

        files.DeleteEmptyDirectory(level);
        files.DeleteEmptyDirectory(levels);
        files.DeleteEmptyDirectory(StorePath);
    }
}
