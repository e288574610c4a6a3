using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>What there is in the place of a replica, where no file of one is found. A mistyped path and a disk that is not mounted must
/// not look
/// like a replica that is still empty.</summary>
/// <param name="Message">What there is, in a sentence.</param>
/// <param name="Hint">What to look for.</param>
/// <param name="IsPlaceMissing">Whether the place itself does not exist, so that nothing is known of the replica.</param>
public sealed record ReplicaAbsence(string Message, string Hint, bool IsPlaceMissing)
{
    private const int NamesMax = 3;

    /// <summary>Looks into the place of a store in which no file of a replica was found.</summary>
    /// <exception cref="ReplicaStoreException">The place cannot be read.</exception>
    public static ReplicaAbsence Of(IReplicaStore store)
        => store is LocalStore local ? local.DescribeAbsence()
            : new ReplicaAbsence(
                $"{store.Name} holds no replica.",
                "Check the URL of the replica, and whether replication has ever run.",
                IsPlaceMissing: false);

    internal static ReplicaAbsence OfFolder(string folder, IFileSystem files)
    {
        if (!files.DirectoryExists(folder))
        {
            return new ReplicaAbsence(
                $"There is no folder {folder}.",
                "Check the path, and whether the disk is mounted on which it should lie.",
                IsPlaceMissing: true);
        }

        if (ReplicaPlace.HoldsReplica(folder, files))
        {
            return new ReplicaAbsence(
                $"{folder} is the folder of a replica, but there are no LTX files in it.",
                "Check whether replication has ever run to its end, and whether somebody has removed the files.",
                IsPlaceMissing: false);
        }

        var folders = files.ListDirectories(folder).Order(StringComparer.Ordinal).ToArray();
        string[] names = [.. folders.Select(name => $"{name}/"), .. files.ListFiles(folder).Order(StringComparer.Ordinal)];
        if (names.Length == 0)
        {
            return new ReplicaAbsence(
                $"{folder} holds no replica: the folder is empty.",
                "Check the path, whether a disk should be mounted there, and whether replication has ever run.",
                IsPlaceMissing: false);
        }

        return new ReplicaAbsence(
            $"{folder} holds no replica, but something else: "
            + $"{string.Join(", ", names.Take(NamesMax))}{(names.Length > NamesMax ? ", ..." : "")}",
            HintFor(folder, folders, files),
            IsPlaceMissing: false);
    }

    private static string HintFor(string folder, string[] folders, IFileSystem files)
    {
        for (var above = Path.GetDirectoryName(folder); above is not null; above = Path.GetDirectoryName(above))
        {
            var inner = Path.GetRelativePath(above, folder).Split(Path.DirectorySeparatorChar)[0];
            if (inner is LocalStore.LtxFolderName or LegacyFileKey.Root)
            {
                return $"It belongs to what lies in {above}: name that folder.";
            }
        }

        var near = folders.Select(name => Path.Combine(folder, name)).Where(path => ReplicaPlace.HoldsReplica(path, files))
            .Take(NamesMax).ToArray();
        return near.Length == 0 ? $"Check the path: the folder {LocalStore.LtxFolderName} lies in that of a replica."
            : $"There are replicas in it: {string.Join(", ", near)}";
    }
}
