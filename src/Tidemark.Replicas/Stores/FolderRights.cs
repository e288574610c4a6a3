using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>What a failed operation in the folder of a replica means, with the folder that lacks the right if it is one.</summary>
internal static class FolderRights
{
    /// <summary>Explains a failure.</summary>
    /// <param name="e">The failure.</param>
    /// <param name="path">The file or folder that was to be used.</param>
    /// <param name="isReading">Whether it was only to be read.</param>
    /// <param name="folder">The folder of the replica.</param>
    /// <param name="files">Tell what exists.</param>
    public static (string Reason, string? Hint) Explain(Exception e, string path, bool isReading, string folder, IFileSystem files)
    {
        if (e is not UnauthorizedAccessException)
        {
            return (e.Message, FileErrors.HintFor(e, folder));
        }

        var place = DeniedPlace(path, isReading, files);

        // Who may not use one file of a replica needs the right to all of them.
        var isWithin = place.StartsWith(folder, StringComparison.Ordinal);
        return ($"this user may not {(isReading ? "read" : "write to")} {place}", FileErrors.HintFor(e, isWithin ? folder : place));
    }

    // As far as this user can see: what does not exist has no rights.
    private static string DeniedPlace(string path, bool isReading, IFileSystem files)
    {
        for (var place = path; place is not null; place = Path.GetDirectoryName(place))
        {
            if (files.DirectoryExists(place) || (isReading && files.FileExists(place)))
            {
                return place;
            }
        }

        return path;
    }
}
