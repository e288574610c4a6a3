using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>The words for each <see cref="Refusal"/>, and what a person can do.</summary>
internal static class RefusalText
{
    private const string MountFolder = "Mount the folder of the database instead of the file, for the application and for Tidemark alike.";

    /// <summary>The error.</summary>
    public static DatabaseException ToException(Refusal refusal, in AdmissionObservation seen)
    {
        var path = seen.Path;
        var owner = seen.File.Rights?.Owner;
        var asOwner = owner is { } known ? $"Run Tidemark as user {known.User}, who owns the database, or as root" : "Run Tidemark as root";
        var (what, hint) = refusal switch
        {
            Refusal.IsNoFile => ($"this is no file, but a {NameOf(seen.File.Kind)}.", "Give the path of a database file."),
            Refusal.IsMountPoint => (
                "the file alone is mounted here. By its other name it has another -wal, and two of them destroy a database.", MountFolder),
            Refusal.IsMountedElsewhere => (
                $"the file alone is mounted at {seen.OtherPlace} too. There it has another -wal, and two of them destroy a database.",
                MountFolder),
            Refusal.HasSeveralNames => (
                $"the file has {seen.File.NameCount} names (hard links). By each it has another -wal, and two of them destroy a database.",
                $"Find the other names with: find / -xdev -samefile '{path}'. Remove them while nobody uses the database."),
            Refusal.IsOnReadOnlyDisk => (
                "the disk is mounted read-only.", $"Mount the disk that holds {path} for writing; WAL mode needs it."),
            Refusal.FileIsDenied => (
                "this user may not write the database.",
                $"{asOwner}, or give this user the right to write the file and its folder; WAL mode needs it."),
            Refusal.FolderIsDenied => (
                "this user may not write to the folder, where SQLite creates and removes the -wal.",
                $"{asOwner}, or give this user the right to write to the folder."),
            Refusal.FolderKeepsFilesOfOthers => (
                "in this folder (sticky bit), this user may not remove the -wal of another.",
                $"{asOwner}, or put the database into a folder of its own."),
            Refusal.WalIsDenied => ($"this user may not write the -wal or the -shm that is there.", $"{asOwner}."),
            _ => (
                $"a -wal that this user ({seen.User.User}) creates could not be written by user {owner?.User}, who owns the database.",
                $"{asOwner}. Or let both have one group: that of the file (mode g+rw) and of its folder (mode g+rws)."),
        };
        return new DatabaseException($"{path}: {what}", hint);
    }

    private static string NameOf(FileKind kind) => kind switch
    {
        FileKind.Pipe => "named pipe",
        FileKind.Socket => "socket",
        FileKind.Folder => "folder",
        _ => "device",
    };
}
