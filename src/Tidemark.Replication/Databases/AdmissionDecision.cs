using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>Decides whether a database can be replicated without danger for it, before anything is opened or created.</summary>
/// <remarks>
/// <para>SQLite finds the WAL by the name of the database. By another name of the same file there is another WAL, of which nobody here
/// knows, and a checkpoint of one destroys what the other holds.</para>
/// <para>SQLite creates the WAL and its index with the mode of the database, and root gives them to the owner of the database. Those that
/// another user creates are that user's, and have a group of that user or of the folder. And who cannot remove a WAL leaves it for a database
/// that somebody puts in the place of this one.</para>
/// </remarks>
internal static class AdmissionDecision
{
    private const uint Root = 0;
    private const UnixFileMode GroupUses = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode OthersUse = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Why the database is refused; null when it is not.</summary>
    public static Refusal? From(in AdmissionObservation seen) => seen switch
    {
        { File.Kind: not FileKind.File } => Refusal.IsNoFile,
        { File.IsMountPoint: true } => Refusal.IsMountPoint,
        { OtherPlace: not null } => Refusal.IsMountedElsewhere,
        { File.NameCount: > 1 } => Refusal.HasSeveralNames,
        { FileAccess: WriteAccess.ReadOnlyDisk } or { FolderAccess: WriteAccess.ReadOnlyDisk } => Refusal.IsOnReadOnlyDisk,
        { FileAccess: WriteAccess.Denied } => Refusal.FileIsDenied,
        { FolderAccess: WriteAccess.Denied } => Refusal.FolderIsDenied,
        { WalAccess: WriteAccess.Denied } or { IndexAccess: WriteAccess.Denied } => Refusal.WalIsDenied,
        _ when KeepsFilesOfOthers(seen) => Refusal.FolderKeepsFilesOfOthers,
        { WalAccess: WriteAccess.Missing } or { IndexAccess: WriteAccess.Missing } when WouldLockOut(seen) => Refusal.OwnerWouldBeLockedOut,
        _ => null,
    };

    private static bool KeepsFilesOfOthers(in AdmissionObservation seen)
        => seen is { User.User: not Root, Folder.Rights: { Owner: { } ofFolder, Mode: var mode }, File.Rights.Owner: { } ofFile }
            && mode.HasFlag(UnixFileMode.StickyBit)
            && seen.User.User != ofFolder.User
            && seen.User.User != ofFile.User;

    private static bool WouldLockOut(in AdmissionObservation seen)
    {
        if (seen is not { User.User: not Root, FolderHasOwnRules: false, File.Rights: { Owner: { } owner, Mode: var mode } }
            || owner.User == seen.User.User)
        {
            return false;
        }

        var group = seen.Folder.Rights is { Owner: { } ofFolder, Mode: var around } && around.HasFlag(UnixFileMode.SetGroup)
            ? ofFolder.Group
            : seen.User.Group;
        return !mode.HasFlag(OthersUse) && !(mode.HasFlag(GroupUses) && group == owner.Group);
    }
}
