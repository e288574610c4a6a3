using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Tidemark.Replicas.Files;

/// <summary>A folder of Linux that stays the one that was found, whatever happens to its name, and what is opened in it without following
/// links.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class LinuxFolder : IDisposable
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int WriteOnly = 0x1; // O_WRONLY
    private const int ReadWrite = 0x2; // O_RDWR
    private const int Create = 0x40; // O_CREAT
    private const int Exclusive = 0x80; // O_EXCL
    private const int NoWaiting = 0x800; // O_NONBLOCK
    private const int CloseOnExec = 0x80000; // O_CLOEXEC
    private const int PathOnly = 0x200000; // O_PATH
    private const int LockShared = 1; // LOCK_SH
    private const int LockWithoutWaiting = 4; // LOCK_NB
    private const int NotPermitted = 1;
    private const int NotFound = 2;
    private const int AccessDenied = 13;
    private const int FileExists = 17;
    private const int WouldBlock = 11;
    private const int NotAFolder = 20;
    private const int IsLink = 40; // ELOOP
    private const int ForOwner = 0x180; // 0600
    private const int ForUmask = 0x1B6; // 0666

    private readonly SafeFileHandle _handle;

    private LinuxFolder(SafeFileHandle handle, string path) => (_handle, Path) = (handle, path);

    /// <summary>The path as people know it.</summary>
    public string Path { get; }

    // These two differ between processors.
    private static int OnlyFolders => IsArm ? 0x4000 : 0x10000; // O_DIRECTORY

    private static int NoFollowing => IsArm ? 0x8000 : 0x20000; // O_NOFOLLOW

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64;

    /// <summary>Opens a folder, through links; null when there is none.</summary>
    public static LinuxFolder? TryOpen(string path) => TryOpen(CurrentFolder, path, path, 0);

    /// <summary>Opens a folder in this one; null when there is none.</summary>
    /// <exception cref="IOException">It is a link.</exception>
    public LinuxFolder? TryOpenFolder(string name) => With(folder => TryOpen(folder, name, System.IO.Path.Combine(Path, name), NoFollowing));

    /// <summary>A path that leads to something in this folder as long as this is open.</summary>
    public string PathOf(string name) => string.Create(null, $"/proc/self/fd/{_handle.DangerousGetHandle()}/{name}");

    /// <summary>A path that leads to this folder as long as this is open.</summary>
    public string OwnPath => string.Create(null, $"/proc/self/fd/{_handle.DangerousGetHandle()}");

    /// <summary>What has a name in this folder, be it a link; null when nothing has.</summary>
    public LinuxFileStatus? TryGetStatus(string name) => LinuxFileStatus.TryGetOfName(PathOf(name));

    /// <summary>Opens a file in this folder, with the lock that tells that somebody has it open.</summary>
    /// <exception cref="IOException">It is a link or no file; or it would be written, and has further names.</exception>
    public SafeFileHandle Open(string name, FileMode mode, FileAccess access, FileRights? rights)
    {
        while (true)
        {
            if (mode != FileMode.CreateNew && TryOpenExisting(name, access) is { } existing)
            {
                return Begin(existing, mode, name);
            }

            if (mode is FileMode.Open or FileMode.Truncate)
            {
                throw Failure(NotFound, System.IO.Path.Combine(Path, name));
            }

            if (TryCreate(name, access, rights, mode == FileMode.CreateNew) is { } created)
            {
                return created;
            }
        }
    }

    /// <summary>The failure to tell of a link, which is not followed.</summary>
    public IOException LinkInTheWay(string name) => IsLinkFailure(System.IO.Path.Combine(Path, name));

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static LinuxFolder? TryOpen(int from, string name, string path, int flags)
    {
        var descriptor = OpenAt(from, name, PathOnly | OnlyFolders | CloseOnExec | flags, 0);
        return descriptor >= 0 ? new LinuxFolder(new SafeFileHandle(descriptor, ownsHandle: true), path)
            : Marshal.GetLastPInvokeError() is var error && error is not (NotFound or NotAFolder or IsLink) ? throw Failure(error, path)
            : LinuxFileStatus.TryGetOfName(path)?.IsLink == true && flags != 0 ? throw IsLinkFailure(path)
            : null;
    }

    private SafeFileHandle? TryOpenExisting(string name, FileAccess access)
    {
        // A pipe is not waited for.
        var descriptor = With(folder => OpenAt(folder, name, FlagsOf(access) | NoFollowing | NoWaiting | CloseOnExec, 0));
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError() switch
            {
                NotFound => null,
                IsLink => throw LinkInTheWay(name),
                var error => throw Failure(error, System.IO.Path.Combine(Path, name)),
            };
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            var status = LinuxFileStatus.TryGet(file);
            return status is { Kind: not FileKind.File } ? throw new IOException($"{System.IO.Path.Combine(Path, name)} is no file.")
                : status is { NameCount: > 1 } && access != FileAccess.Read ? throw new IOException(
                    $"{System.IO.Path.Combine(Path, name)} has further names (hard links), and a process of root writes to none of them. Remove it.")
                : file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private SafeFileHandle? TryCreate(string name, FileAccess access, FileRights? rights, bool isNew)
    {
        var flags = FlagsOf(access) | Create | Exclusive | NoFollowing | CloseOnExec;
        var descriptor = With(folder => OpenAt(folder, name, flags, rights is null ? ForUmask : ForOwner));
        if (descriptor < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            return error == FileExists && !isNew ? null : throw Failure(error, System.IO.Path.Combine(Path, name));
        }

        var file = Begin(new SafeFileHandle(descriptor, ownsHandle: true), FileMode.CreateNew, name);
        if (rights is { } wanted)
        {
            PhysicalFileSystem.Instance.Give(file, wanted, PathOf(name));
        }

        return file;
    }

    // As the files of .NET do it: a shared lock, which IFileSystem.TryDeleteUnused looks for.
    private SafeFileHandle Begin(SafeFileHandle file, FileMode mode, string name)
    {
        try
        {
            if (LockFile(file, LockShared | LockWithoutWaiting) != 0 && Marshal.GetLastPInvokeError() == WouldBlock)
            {
                throw new IOException($"{System.IO.Path.Combine(Path, name)} is in use by another process.", WouldBlock);
            }

            if (mode is FileMode.Create or FileMode.Truncate)
            {
                RandomAccess.SetLength(file, 0);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private T With<T>(Func<int, T> use)
    {
        var isHeld = false;
        try
        {
            _handle.DangerousAddRef(ref isHeld);
            return use((int)_handle.DangerousGetHandle());
        }
        finally
        {
            if (isHeld)
            {
                _handle.DangerousRelease();
            }
        }
    }

    private static int FlagsOf(FileAccess access) => access switch
    {
        FileAccess.Read => 0,
        FileAccess.Write => WriteOnly,
        _ => ReadWrite,
    };

    private static IOException IsLinkFailure(string path)
        => new($"{path} is a symbolic link, and a process of root follows none there. Remove it, or give the path that it leads to.");

    private static Exception Failure(int error, string path)
    {
        var text = $"{Marshal.GetPInvokeErrorMessage(error)}: {path}";
        return error switch
        {
            NotFound => new FileNotFoundException(text, path),
            NotPermitted or AccessDenied => new UnauthorizedAccessException(text),
            _ => new IOException(text, error),
        };
    }

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int folder, string name, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int LockFile(SafeFileHandle file, int operation);
}
