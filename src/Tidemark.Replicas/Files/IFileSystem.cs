namespace Tidemark.Replicas.Files;

/// <summary>The files of this machine, except live databases. The seam at which tests inject faults and lose power.</summary>
/// <remarks>
/// Failures are the exceptions of .NET: <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/>. Synchronous, since the page
/// cache answers. Never used on a live database file or its <c>-shm</c> (closing any handle on one drops SQLite's locks); the one
/// exception is the output of a follower, which has one handle as long as it is followed. Thread-safe.
/// </remarks>
public interface IFileSystem
{
    /// <summary>Opens a file. Other processes may read, write and delete it meanwhile.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Whether it is created.</param>
    /// <param name="access">What is done with it.</param>
    /// <param name="rights">What the file gets if it is created: nobody ever has more. What cannot be given (only root may give a file away) is
    /// left out. Null: what the umask of the process leaves.</param>
    IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null);

    /// <summary>Renames a file, replacing what has the new name. Durable only after <see cref="SyncDirectory"/>.</summary>
    void Move(string source, string destination);

    /// <summary>Renames a file unless there is one of the new name. Durable only after <see cref="SyncDirectory"/>.</summary>
    /// <remarks>
    /// Of several callers at once, also on other machines, one succeeds. Only where a file system has neither a rename that refuses nor hard
    /// links, a look comes before the rename, and two callers at the same instant are not told apart.
    /// </remarks>
    /// <returns>False when there is a file of the new name; then nothing was done.</returns>
    bool TryMoveNew(string source, string destination);

    /// <summary>Deletes a file; not an error if it does not exist.</summary>
    void Delete(string path);

    /// <summary>
    /// Deletes a file unless somebody has it open through this interface, in this process or another one on this machine.
    /// </summary>
    /// <remarks>
    /// Tells a temporary file that a killed process left behind from one that is being written: the operating system forgets a killed
    /// process's handles. Advisory: programs that open files by other means are not seen.
    /// </remarks>
    /// <returns>True when nothing of that name is left.</returns>
    bool TryDeleteUnused(string path);

    /// <summary>Takes a lock that only one holder on this machine can have, by a file of its own that stays empty.</summary>
    /// <remarks>The operating system gives it back when the process ends, in whatever way. Advisory. The file need not stay.</remarks>
    /// <returns>The lock, which is given back when it is disposed, or null when somebody else has it.</returns>
    IDisposable? TryLock(string path);

    /// <summary>Whether there is a file of this name.</summary>
    bool FileExists(string path);

    /// <summary>Whether there is a folder of this name.</summary>
    bool DirectoryExists(string path);

    /// <summary>Creates a folder and the folders above it, and makes the new names durable.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="rights">What each folder gets that is created, as for <see cref="Open"/>.</param>
    void CreateDirectory(string path, FileRights? rights = null);

    /// <summary>Deletes an empty folder; not an error if it does not exist.</summary>
    void DeleteEmptyDirectory(string path);

    /// <summary>Size and modification time (UTC) of a file, or null if there is none.</summary>
    FileFacts? TryGetFacts(string path);

    /// <summary>What tells whether a file was written or replaced since; without opening it, so that also a live database may be asked
    /// for.</summary>
    /// <returns>Null when there is no file, or when the system cannot tell.</returns>
    FileStamp? TryGetStamp(string path);

    /// <summary>What the path leads to, and who may do what with it; without opening it, so that also a live database may be asked for.
    /// Links are followed.</summary>
    /// <returns>Null when there is nothing.</returns>
    FileStatus? TryGetStatus(string path);

    /// <summary>Looks for somebody who uses a file, without a moment at which a lock is lost that this process holds on it; so that also
    /// a live database may be asked for.</summary>
    /// <remarks>On Linux: whoever has it open, this process included, as far as this user may see that; and whoever holds a lock on the
    /// range. On other systems nobody is seen.</remarks>
    /// <param name="path">The file, which is no link.</param>
    /// <param name="lockOffset">Where the range begins on which its users hold locks.</param>
    /// <param name="lockLength">Length of that range.</param>
    /// <returns>One of them, or null when nobody is seen or there is no such file.</returns>
    FileUse? TryFindUse(string path, long lockOffset, long lockLength);

    /// <summary>The absolute path to which links lead: that of a file, or of where one would be created. The path itself where it is no
    /// link.</summary>
    /// <remarks>Only links that have the name itself count, not those of folders above it.</remarks>
    /// <exception cref="IOException">The links lead in a circle; or this is a process of root, and one of them is another user's and leads
    /// to what is not that user's.</exception>
    string FinalPath(string path);

    /// <summary>Sets the modification time of a file.</summary>
    void SetModified(string path, DateTimeOffset modified);

    /// <summary>The names (not paths) of the files in a folder, in no order; empty if there is no such folder.</summary>
    IReadOnlyList<string> ListFiles(string directory);

    /// <summary>The names (not paths) of the folders in a folder, in no order; empty if there is no such folder.</summary>
    IReadOnlyList<string> ListDirectories(string directory);

    /// <summary>Makes the names in a folder durable (fsync of the folder; nothing on systems that need none).</summary>
    void SyncDirectory(string path);

    /// <summary>Begins to watch, so far nothing. Takes a thread where the system gives notices.</summary>
    IFileWatch Watch();

    /// <summary>The same files, where a process of root follows no link below a folder: another user may have put it there. For other
    /// users, and on other systems than Linux, nothing changes.</summary>
    /// <param name="folder">The folder. Links on the way to it are followed.</param>
    IFileSystem WithoutLinks(string folder) => this;
}
