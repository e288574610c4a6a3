using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Tidemark.Replicas.Files;

/// <summary>Gives rights to a file or a folder that this process has just created for itself alone.</summary>
/// <remarks>As SQLite does it for the files beside a database: the mode is that of the other file, whatever the umask, and the owner too where
/// the process may give files away, which only root may. What cannot be given is not: then fewer can do something with the file than was asked
/// for, never more.</remarks>
[UnsupportedOSPlatform("windows")]
internal static partial class UnixFileRights
{
    private const uint Unchanged = uint.MaxValue;

    /// <summary>Gives the rights.</summary>
    /// <param name="file">Created with no rights for anybody else, so that nobody can open it before.</param>
    /// <param name="rights">The rights.</param>
    /// <returns>False when the owner could not be given.</returns>
    public static bool TryGive(SafeFileHandle file, FileRights rights)
    {
        var hasOwner = rights.Owner is not { } owner || TryGiveTo(file, owner);
        var mode = hasOwner ? rights.Mode : rights.ModeForAnotherGroup();
        try
        {
            var current = File.GetUnixFileMode(file);
            mode |= current & UnixFileMode.SetGroup; // A folder has it from the one above.
            if (mode != current)
            {
                File.SetUnixFileMode(file, mode);
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            // A file system without modes.
        }

        return hasOwner;
    }

    // The owner first: a mode for a group would else be one for the wrong group for a moment.
    private static bool TryGiveTo(SafeFileHandle file, FileOwner owner)
    {
        if (LinuxFileStatus.TryGet(file)?.Owner is not { } current)
        {
            return false;
        }

        var user = EffectiveUser() == 0 ? owner.User : current.User;
        return current == owner with { User = user } || ChangeOwner(file, user == current.User ? Unchanged : user, owner.Group) == 0;
    }

    /// <summary>The user of this process.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int ChangeOwner(SafeFileHandle file, uint user, uint group);
}
