using System.Runtime.InteropServices;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>What there is to see of a database without opening it: closing a handle on its file would drop the locks that this process has on
/// it.</summary>
/// <param name="Path">Where links lead to: SQLite keeps the WAL beside the file itself.</param>
/// <param name="File">The file.</param>
/// <param name="Folder">The folder that it lies in.</param>
/// <param name="OtherPlace">Where the same file is mounted by itself; null where it is not, or that is not known.</param>
/// <param name="User">The user and the group of this process.</param>
/// <param name="FileAccess">Whether this process may write the file.</param>
/// <param name="FolderAccess">Whether this process may create files in the folder.</param>
/// <param name="WalAccess">Whether this process may write the WAL.</param>
/// <param name="IndexAccess">Whether this process may write the index of the WAL.</param>
/// <param name="FolderHasOwnRules">Whether the folder says who may do what with new files in it (a default ACL).</param>
internal readonly partial record struct AdmissionObservation(
    string Path,
    FileStatus File,
    FileStatus Folder,
    string? OtherPlace,
    FileOwner User,
    WriteAccess FileAccess,
    WriteAccess FolderAccess,
    WriteAccess WalAccess,
    WriteAccess IndexAccess,
    bool FolderHasOwnRules)
{
    // Numbers of Linux: https://man7.org/linux/man-pages/man2/access.2.html
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int AsEffectiveUser = 0x200; // AT_EACCESS
    private const int ReadAndWrite = 4 | 2; // R_OK, W_OK
    private const int EnterAndWrite = 1 | 2; // X_OK, W_OK
    private const int NotPermitted = 1;
    private const int NoSuchFile = 2;
    private const int AccessDenied = 13;
    private const int ReadOnlyFileSystem = 30;

    /// <summary>Looks; null where there is nothing, or on a system that cannot tell.</summary>
    /// <param name="files">The files of this machine.</param>
    /// <param name="path">Path of the database.</param>
    /// <exception cref="IOException">Links lead in a circle.</exception>
    public static AdmissionObservation? TryMake(IFileSystem files, string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var final = files.FinalPath(path);
        var folder = System.IO.Path.GetDirectoryName(final) ?? "/";
        return files.TryGetStatus(final) is { } file && files.TryGetStatus(folder) is { } around
            ? new AdmissionObservation(
                final,
                file,
                around,
                file.IsMountPoint == true ? null : FindOtherPlace(files, final),
                new FileOwner(EffectiveUser(), EffectiveGroup()),
                TryAccess(final, ReadAndWrite),
                TryAccess(folder, EnterAndWrite),
                TryAccess(final + "-wal", ReadAndWrite),
                TryAccess(final + "-shm", ReadAndWrite),
                GetAttribute(folder, "system.posix_acl_default", 0, 0) > 0)
            : null;
    }

    private static string? FindOtherPlace(IFileSystem files, string path)
    {
        const string Mounts = "/proc/self/mountinfo";
        var number = files.TryGetStamp(path);
        return number is not null && files.FileExists(Mounts)
            ? MountTable.FindPlaces(FileLocks.ReadText(files, Mounts), System.IO.Path.GetFileName(path)).FirstOrDefault(IsSameFile)
            : null;

        // Another mount may have covered that place. Where the system does not tell, it is believed.
        bool IsSameFile(string place)
            => files.TryGetStamp(place) is { } found
                && (found.Device, found.Number) == (number.Value.Device, number.Value.Number)
                && files.TryGetStatus(place)?.IsMountPoint != false;
    }

    private static WriteAccess TryAccess(string path, int wanted)
        => Access(CurrentFolder, path, wanted, AsEffectiveUser) == 0 ? WriteAccess.Granted : Marshal.GetLastPInvokeError() switch
        {
            NoSuchFile => WriteAccess.Missing,
            NotPermitted or AccessDenied => WriteAccess.Denied,
            ReadOnlyFileSystem => WriteAccess.ReadOnlyDisk,
            _ => WriteAccess.Granted, // SQLite will tell.
        };

    [LibraryImport("libc", EntryPoint = "faccessat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(int folder, string path, int mode, int flags);

    // https://man7.org/linux/man-pages/man2/getxattr.2.html; with no room it answers how long the value is.
    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetAttribute(string path, string name, nint value, nint size);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint EffectiveGroup();
}
