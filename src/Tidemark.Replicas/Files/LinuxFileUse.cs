using System.Globalization;
using System.Runtime.Versioning;

namespace Tidemark.Replicas.Files;

/// <summary>Finds out who uses a file, from the handles that Linux lists and from the locks on the file.</summary>
/// <remarks>
/// <para>Locks show users that hide otherwise (those of another container, or of another user), but only as long as they hold them.
/// Handles show those that hold no lock at the moment.</para>
/// <para>To ask for locks, the file has to be open, and closing a handle drops the locks of the whole process on the file. So the handles of
/// this process are looked at first: where there is one, nothing is opened.</para>
/// </remarks>
[SupportedOSPlatform("linux")]
internal static class LinuxFileUse
{
    /// <summary>Looks; null when nobody is seen, or there is no such file.</summary>
    /// <param name="path">The file, which is no link.</param>
    /// <param name="lockOffset">Where the range begins on which users hold locks.</param>
    /// <param name="lockLength">Length of that range.</param>
    public static FileUse? TryFind(string path, long lockOffset, long lockLength)
    {
        if (FileIdentity.TryOf(path) is not { } identity)
        {
            return null;
        }

        var name = Path.GetFileName(path);
        if (HasOpen("self", name, identity))
        {
            return new FileUse(Environment.ProcessId);
        }

        foreach (var folder in ListOrNothing("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var process)
                && process != Environment.ProcessId
                && HasOpen(Path.GetFileName(folder), name, identity))
            {
                return new FileUse(process);
            }
        }

        try
        {
#pragma warning disable RS0030 // This process has no other handle on it.
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
#pragma warning restore RS0030
            return LinuxRangeLock.TryFindHolder(handle, lockOffset, lockLength, out var holder)
                ? new FileUse(holder > 0 ? holder : null)
                : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null; // It was deleted meanwhile.
        }
    }

    private static bool HasOpen(string process, string name, FileIdentity identity)
        => ListOrNothing($"/proc/{process}/fd").Any(handle => LeadsTo(handle, name, identity));

    // The name comes first, since a look at a file itself may not come back where its file system does not answer.
    private static bool LeadsTo(string handle, string name, FileIdentity identity)
    {
        try
        {
            return new FileInfo(handle).LinkTarget is { } target
                && Path.GetFileName(target.AsSpan()).SequenceEqual(name)
                && FileIdentity.TryOf(handle) == identity;
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            return false; // It is closed already, or not for this user to see.
        }
    }

    private static string[] ListOrNothing(string folder)
    {
        try
        {
            return Directory.GetFileSystemEntries(folder);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            return []; // The process has ended, or it is not for this user to see.
        }
    }
}
