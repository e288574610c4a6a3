using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Tidemark.Replicas.Files;

/// <summary>The real files of this machine.</summary>
public sealed partial class PhysicalFileSystem : IFileSystem
{
    // https://man7.org/linux/man-pages/man4/random.4.html
    private static readonly Lazy<UInt128?> s_boot = new(() => ReadBoot("/proc/sys/kernel/random/boot_id"));
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint RenameNoReplace = 1;
    private const int CloseOnExec = 0x80000; // O_CLOEXEC
    private const int LinksMax = 40; // As the kernel.

    // Numbers of the operating system; those of Linux where it does not say otherwise.
    private const int Unsupported = -1;
    private const int NotPermitted = 1;
    private const int Exists = 17;
    private const int InvalidArgument = 22;
    private const int TooManyLinks = 31;
    private const int LinuxNotImplemented = 38;
    private const int LinuxNotSupported = 95;
    private const int BsdNotSupported = 45;
    private const int BsdNotImplemented = 78;

    private readonly ConcurrentDictionary<(FileShortcoming, ulong?), byte> _told = [];

    [SupportedOSPlatform("linux")]
    private readonly LinkedLocks _locks = new();

    private PhysicalFileSystem()
    {
    }

    /// <summary>The one instance; it has no state but the locks of this process, and what was told.</summary>
    public static PhysicalFileSystem Instance { get; } = new();

    /// <summary>Called when a file system cannot do something that is then done without: once for each thing and file system, with a path on
    /// it. From any thread.</summary>
    public Action<FileShortcoming, string>? DidWithout { get; set; }

    /// <inheritdoc/>
    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null)
        => new PhysicalFile(rights is { } wanted && !OperatingSystem.IsWindows() && mode is not (FileMode.Open or FileMode.Truncate)
            ? OpenWithRights(path, mode, access, wanted)
            : OpenHandle(path, mode, access));

    /// <inheritdoc/>
    public void Move(string source, string destination) => File.Move(source, destination, overwrite: true);

    /// <inheritdoc/>
    public bool TryMoveNew(string source, string destination)
    {
        var error = OperatingSystem.IsLinux() ? RenameNew(source, destination) : Unsupported;
        if (error == Unsupported && !OperatingSystem.IsWindows())
        {
            error = LinkNew(source, destination);
        }

        if (error == Unsupported && !OperatingSystem.IsWindows())
        {
            if (File.Exists(destination))
            {
                return false;
            }

            Move(source, destination);
            return true;
        }

        switch (error)
        {
            case 0:
                return true;
            case Exists:
                return false;
            default:
                // What is wrong, .NET says in its own exceptions.
                return TryMoveWithoutOverwriting(source, destination);
        }
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing is left of it, which is what was asked for.
        }
    }

    /// <inheritdoc/>
    public bool TryDeleteUnused(string path)
    {
        try
        {
            // Every handle of Open holds a shared advisory lock, which excludes FileShare.None. Deletion comes before the lock is released,
            // so a file that is opened meanwhile is either seen here or found missing there.
#pragma warning disable RS0030 // This is the one place that opens files.
            File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose).Dispose();
#pragma warning restore RS0030
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IDisposable? TryLock(string path)
    {
        if (OperatingSystem.IsLinux() && _locks.TryTake(Path.GetFullPath(path), out var held))
        {
            return held;
        }

        try
        {
#pragma warning disable RS0030 // This is the one place that opens files.
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
#pragma warning restore RS0030
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException) && File.Exists(path))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public bool FileExists(string path) => File.Exists(path);

    /// <inheritdoc/>
    public bool DirectoryExists(string path) => Directory.Exists(path);

    /// <inheritdoc/>
    public void CreateDirectory(string path, FileRights? rights = null)
    {
        var missing = new Stack<string>();
        for (var folder = Path.GetFullPath(path); folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
        {
            missing.Push(folder);
        }

        foreach (var folder in missing)
        {
            if (rights is { } wanted && !OperatingSystem.IsWindows())
            {
                CreateWithRights(folder, wanted);
            }
            else
            {
                Directory.CreateDirectory(folder);
            }

            SyncDirectory(Path.GetDirectoryName(folder)!);
        }
    }

    /// <inheritdoc/>
    public void DeleteEmptyDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path);
        }
    }

    /// <inheritdoc/>
    public FileFacts? TryGetFacts(string path)
    {
        var info = new FileInfo(path);
        return info.Exists ? new FileFacts(info.Length, info.LastWriteTimeUtc) : null;
    }

    /// <inheritdoc/>
    public FileStamp? TryGetStamp(string path)
        => s_boot.Value is { } boot && LinuxFileStatus.TryGet(path) is { } status
            ? new FileStamp(status.Device, status.Number, status.SizeBytes, status.Modified.Nanoseconds, status.Changed.Nanoseconds, boot)
            : null;

    /// <inheritdoc/>
    public FileStatus? TryGetStatus(string path)
    {
        if (LinuxFileStatus.TryGet(path) is { } status)
        {
            return new FileStatus(status.Kind, new FileRights(status.Mode, status.Owner), status.NameCount, status.IsMountPoint);
        }

        FileKind? kind = Directory.Exists(path) ? FileKind.Folder : File.Exists(path) ? FileKind.File : null;
        return kind is { } known
            ? new FileStatus(known, OperatingSystem.IsWindows() ? null : new FileRights(File.GetUnixFileMode(path), null))
            : null;
    }

    /// <inheritdoc/>
    public FileUse? TryFindUse(string path, long lockOffset, long lockLength)
        => OperatingSystem.IsLinux() ? LinuxFileUse.TryFind(path, lockOffset, lockLength) : null;

    /// <inheritdoc/>
    public string FinalPath(string path)
    {
        var final = Path.GetFullPath(path);
        for (var links = 0; new FileInfo(final).LinkTarget is { } target; links++)
        {
            if (links == LinksMax)
            {
                throw new IOException($"The symbolic links lead in a circle: {path}");
            }


            // Of a relative target, the steps up are those of the folder that the link really lies in.
            var next = Path.GetFullPath(target, RealFolder(Path.GetDirectoryName(final)!));
            ThrowIfForeign(final, next);
            final = next;
        }

        return final;
    }

    /// <inheritdoc/>
    public void SetModified(string path, DateTimeOffset modified)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, modified.UtcDateTime);
        }
        catch (Exception e) when (!OperatingSystem.IsWindows() && IsRefusedByFileSystem(e))
        {
            TellOnce(FileShortcoming.ModificationTimes, path);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories(string directory)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(directory).Select(path => Path.GetFileName(path))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public IFileWatch Watch() => new LinuxFileWatch();

    /// <inheritdoc/>
    public IFileSystem WithoutLinks(string folder)
        => OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess ? new LinklessFileSystem(this, folder) : this;

    /// <summary>Gives rights to what was just created.</summary>
    [UnsupportedOSPlatform("windows")]
    internal void Give(SafeFileHandle file, FileRights rights, string path)
    {
        if (!UnixFileRights.TryGive(file, rights) && UnixFileRights.EffectiveUser() == 0)
        {
            TellOnce(FileShortcoming.Owners, path);
        }
    }

    /// <summary>The file that was opened.</summary>
    internal static IFile Use(SafeFileHandle handle) => new PhysicalFile(handle);

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals names; there is no handle to flush them by.
        }

        var descriptor = OpenDescriptor(path, flags: 0);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open the folder {path} to make its names durable: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        try
        {
            if (SyncDescriptor(descriptor) != 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (!IsUnsupported(error))
                {
                    throw new IOException(
                        $"Cannot make the names in {path} durable: {Marshal.GetPInvokeErrorMessage(error)}", error);
                }

                TellOnce(FileShortcoming.FolderSync, path);
            }
        }
        finally
        {
            _ = CloseDescriptor(descriptor);
        }
    }

    private static SafeFileHandle OpenHandle(string path, FileMode mode, FileAccess access)
#pragma warning disable RS0030 // This is the one place that opens files.
        => File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete);
#pragma warning restore RS0030

    [UnsupportedOSPlatform("windows")]
    private SafeFileHandle OpenWithRights(string path, FileMode mode, FileAccess access, FileRights rights)
    {
        SafeFileHandle handle;
        if (mode != FileMode.CreateNew && File.Exists(path) && TryOpenExisting(path, mode, access) is { } existing)
        {
            return existing; // Without the exception below, which costs more than the rest.
        }

        try
        {
            // Only a stream can be told with which mode it creates a file. It has nothing but the handle, which outlives it.
#pragma warning disable CA2000
            handle = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = access,
                Share = FileShare.ReadWrite | FileShare.Delete,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }).SafeFileHandle;
#pragma warning restore CA2000
        }
        catch (IOException) when (mode != FileMode.CreateNew && File.Exists(path))
        {
            return OpenExisting(path, mode, access);
        }

        Give(handle, rights, path);
        return handle;
    }

    private static SafeFileHandle? TryOpenExisting(string path, FileMode mode, FileAccess access)
    {
        try
        {
            return OpenExisting(path, mode, access);
        }
        catch (FileNotFoundException)
        {
            return null; // It was deleted meanwhile.
        }
    }

    private static SafeFileHandle OpenExisting(string path, FileMode mode, FileAccess access)
        => OpenHandle(path, mode == FileMode.Create ? FileMode.Truncate : FileMode.Open, access);

    [UnsupportedOSPlatform("windows")]
    private void CreateWithRights(string folder, FileRights rights)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // Not by its name: somebody who may write to the folder above could put a link to another one there meanwhile.
        using var handle = new SafeFileHandle(OpenDescriptor(folder, CloseOnExec), ownsHandle: true);
        if (!handle.IsInvalid
            && LinuxFileStatus.TryGet(handle) is { } opened
            && LinuxFileStatus.TryGetOfName(folder) is { } named
            && (opened.Device, opened.Number) == (named.Device, named.Number))
        {
            Give(handle, rights, folder);
        }
    }

    // Where another user may write, he may have put the link there for root to follow.
    private static void ThrowIfForeign(string link, string target)
    {
        if (Environment.IsPrivilegedProcess
            && LinuxFileStatus.TryGetOfName(link)?.Owner is { User: not 0 } owner
            && (LinuxFileStatus.TryGetOfName(target) ?? LinuxFileStatus.TryGet(Path.GetDirectoryName(target) ?? "/"))?.Owner is { } other
            && other.User != owner.User)
        {
            throw new IOException(
                $"{link} is a symbolic link of user {owner.User} to what is not that user's, and a process of root does not follow it.");
        }
    }

    private static string RealFolder(string folder)
    {
        var found = OperatingSystem.IsWindows() ? 0 : RealPath(folder, 0);
        if (found == 0)
        {
            return folder; // There is none. Who creates something in it learns that.
        }

        var real = Marshal.PtrToStringUTF8(found)!;
        FreeMemory(found);
        return real;
    }

    private static UInt128? ReadBoot(string path)
    {
        try
        {
            return File.Exists(path) && Guid.TryParse(File.ReadAllText(path), out var boot)
                ? BinaryPrimitives.ReadUInt128LittleEndian(boot.ToByteArray())
                : null;
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            return null; // Then no stamp is made, and nothing is concluded from one.
        }
    }

    private static bool TryMoveWithoutOverwriting(string source, string destination)
    {
        try
        {
            File.Move(source, destination, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(destination) && File.Exists(source))
        {
            return false;
        }
    }

    private static int RenameNew(string source, string destination)
    {
        try
        {
            return RenameAt(CurrentFolder, source, CurrentFolder, destination, RenameNoReplace) == 0
                ? 0
                : ToKnown(Marshal.GetLastPInvokeError(), [InvalidArgument, LinuxNotImplemented, LinuxNotSupported]);
        }
        catch (EntryPointNotFoundException)
        {
            return Unsupported; // An older C library.
        }
    }

    private static int LinkNew(string source, string destination)
    {
        if (Link(source, destination) != 0)
        {
            return ToKnown(
                Marshal.GetLastPInvokeError(),
                [NotPermitted, TooManyLinks, LinuxNotImplemented, LinuxNotSupported, BsdNotImplemented, BsdNotSupported]);
        }

        // The file has its name. One that keeps its temporary name too is a leftover like that of a process that was killed here.
        File.Delete(source);
        return 0;
    }

    private void TellOnce(FileShortcoming shortcoming, string path)
    {
        if (DidWithout is { } tell && _told.TryAdd((shortcoming, LinuxFileStatus.TryGet(path)?.Device), 0))
        {
            tell(shortcoming, path);
        }
    }

    // EPERM for the times of a file that this process has made.
    private static bool IsRefusedByFileSystem(Exception e)
        => (e is UnauthorizedAccessException ? e.InnerException : e) is IOException { HResult: var error }
            && (error == NotPermitted || IsUnsupported(error));

    private static bool IsUnsupported(int error) => error == InvalidArgument || (OperatingSystem.IsLinux()
        ? error is LinuxNotSupported or LinuxNotImplemented
        : error is BsdNotSupported or BsdNotImplemented);

    private static int ToKnown(int error, ReadOnlySpan<int> unsupported) => unsupported.Contains(error) ? Unsupported : error;

    // .NET refuses to open a folder, so its fsync goes through the C library.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, nint buffer);

    [LibraryImport("libc", EntryPoint = "free")]
    private static partial void FreeMemory(nint memory);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseDescriptor(int descriptor);

    // https://man7.org/linux/man-pages/man2/rename.2.html; NFS, for one, refuses the flag, and has hard links.
    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt(int sourceFolder, string source, int destinationFolder, string destination, uint flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string source, string destination);

    // https://man7.org/linux/man-pages/man2/sync_file_range.2.html
    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int BeginWriteBack(SafeFileHandle file, long offset, long length, uint flags);

    private sealed class PhysicalFile(SafeFileHandle handle) : IFile
    {
        private const uint WriteBackOnly = 2; // SYNC_FILE_RANGE_WRITE

        private readonly WrittenStretches _written = new();

        public long Length => RandomAccess.GetLength(handle);

        public int Read(long offset, Span<byte> destination)
        {
            var total = 0;
            while (total < destination.Length)
            {
                var count = RandomAccess.Read(handle, destination[total..], offset + total);
                if (count == 0)
                {
                    break;
                }

                total += count;
            }

            return total;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            RandomAccess.Write(handle, source, offset);
            if (OperatingSystem.IsLinux())
            {
                // The disk may begin now, so that the sync at the end of a large file finds little left to do. Only a hint: what fails here
                // fails there.
                _written.Add(offset, source.Length, full => _ = BeginWriteBack(handle, full, WrittenStretches.SizeBytes, WriteBackOnly));
            }
        }

        public void SetLength(long length) => RandomAccess.SetLength(handle, length);

        public void Sync() => RandomAccess.FlushToDisk(handle);

        public bool TryLockRange(long offset, long length, bool isShared)
            => LinuxRangeLock.TryTake(handle, offset, length, isShared);

        public void UnlockRange(long offset, long length) => LinuxRangeLock.Release(handle, offset, length);

        public void Dispose() => handle.Dispose();
    }
}
