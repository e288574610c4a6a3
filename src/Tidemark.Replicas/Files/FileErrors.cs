namespace Tidemark.Replicas.Files;

/// <summary>What the operating system means by a failed file operation, in words for a person.</summary>
/// <remarks>
/// .NET keeps the number of the operating system in <see cref="Exception.HResult"/>: errno on Unix, a Win32 code in the low half on
/// Windows.
/// </remarks>
public static class FileErrors
{
    private const int UnixReadOnlyFileSystem = 30;
    private const int UnixNoSpace = 28;
    private const int LinuxQuota = 122;
    private const int BsdQuota = 69;
    private const int WindowsWriteProtected = 0x13;
    private const int WindowsHandleDiskFull = 0x27;
    private const int WindowsDiskFull = 0x70;

    /// <summary>True for the exceptions by which .NET reports failed file operations.</summary>
    public static bool IsFileError(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>True when there is no such file or no such folder.</summary>
    public static bool IsNotFound(Exception e) => e is FileNotFoundException or DirectoryNotFoundException;

    /// <summary>True when the disk or the user's share of it is full.</summary>
    public static bool IsDiskFull(Exception e) => e is IOException && (OperatingSystem.IsWindows()
        ? (e.HResult & 0xFFFF) is WindowsDiskFull or WindowsHandleDiskFull
        : e.HResult is UnixNoSpace or LinuxQuota or BsdQuota);

    /// <summary>True when nobody can write there, whatever their rights.</summary>
    public static bool IsReadOnly(Exception e) => e is IOException && (OperatingSystem.IsWindows()
        ? (e.HResult & 0xFFFF) is WindowsWriteProtected
        : e.HResult is UnixReadOnlyFileSystem);

    /// <summary>
    /// True when the same call may succeed later by itself: everything but missing rights, missing files and read-only disks.
    /// </summary>
    /// <remarks>
    /// Network file systems and failing disks come back; a cause that is not known to last is therefore taken for one that passes.
    /// </remarks>
    public static bool IsTransient(Exception e)
        => e is IOException and not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException) && !IsReadOnly(e);

    /// <summary>The hint that goes with a failure at <paramref name="path"/>, or null.</summary>
    public static string? HintFor(Exception e, string path)
        => IsDiskFull(e) ? $"Free some space on the disk that holds {path}."
            : OpenFileLimit.IsReached(e) ? OpenFileLimit.Hint
            : IsReadOnly(e) ? $"Mount the disk that holds {path} for writing."
            : e is UnauthorizedAccessException ? $"Give the user that runs Tidemark the right to read and write {path}."
            : null;
}
