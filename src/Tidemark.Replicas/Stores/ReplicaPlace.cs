using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>The folder of this machine that the URL or path of a replica leads to.</summary>
/// <param name="Folder">As an absolute path. It need not exist.</param>
/// <param name="Warnings">What is doubtful about it, a sentence each.</param>
public sealed record ReplicaPlace(string Folder, IReadOnlyList<string> Warnings)
{
    /// <summary>Finds the folder: the one that a person means, or the one that Litestream makes of the same URL if only that holds a
    /// replica.</summary>
    /// <exception cref="StoreUrlException">The text names no folder.</exception>
    public static ReplicaPlace Find(string text, IFileSystem files)
    {
        var url = StoreUrl.Parse(text);
        var (folder, warnings) = (url.Path, new List<string>());
        if (url.LitestreamPath is { } other && HoldsReplica(other, files))
        {
            if (HoldsReplica(folder, files))
            {
                warnings.Add($"{text} is the folder {folder}. A replica lies in {other} too, which is the folder of this URL for "
                    + "Litestream: not used");
            }
            else
            {
                warnings.Add($"{text} means the folder {folder}, which holds no replica. {other}, the folder of this URL for Litestream, "
                    + $"holds one and is used; rename it to {folder}, or write its path instead of the URL");
                folder = other;
            }
        }

        if (url.HasHost)
        {
            warnings.Add($"{text} is the folder {folder}; write file://{folder} if that is meant");
        }

        if (url.Options is { } options)
        {
            warnings.Add($"{text} is the folder {folder}: {options} has no effect, since folders have no options; write %3F for a question "
                + "mark");
        }

        return new ReplicaPlace(folder, warnings);
    }

    /// <summary>Whether there is a replica in a folder, or the beginning of one.</summary>
    internal static bool HoldsReplica(string folder, IFileSystem files)
        => files.DirectoryExists(Path.Combine(folder, LocalStore.LtxFolderName))
            || files.DirectoryExists(Path.Combine(folder, Catalog.LegacyFileKey.Root));
}
