using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Tidemark.Replicas.Files;

/// <summary>Lock files of this process that are all hard links to one locked file, so that thousands of locks cost one handle.</summary>
/// <remarks>
/// <para>A lock is held while the file of its name is locked (flock) by somebody; the operating system ends that with the process. Whoever
/// finds it not locked puts in its place a link to the file that this process holds locked. All that is done to a name is done under a lock
/// of its folder, so nobody can take it in between. A locked file is always new, and has no name before it is locked: the links that a
/// killed process left in other folders say nothing about this one.</para>
/// <para>Where a link is not possible, as to another file system, the process locks a further file; where folders cannot be locked, the
/// caller has to do without. Thread-safe.</para>
/// <para>Where root takes a lock, its file is for the owner of the folder: that one must be able to take it after root, also when root was
/// killed.</para>
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed partial class LinkedLocks
{
    private const string TemporarySuffix = ".tmp";
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int FollowLinks = 0x400; // AT_SYMLINK_FOLLOW
    private const int CloseOnExec = 0x80000; // O_CLOEXEC
    private const int Exclusive = 2; // LOCK_EX
    private const int Interrupted = 4; // EINTR

    private readonly Lock _gate = new();

    // The newest first: an older one may have as many links as the file system allows.
    private readonly List<LockedFile> _held = [];

    /// <summary>Takes the lock.</summary>
    /// <param name="path">Path of the lock file.</param>
    /// <param name="held">The lock, or null when somebody has it.</param>
    /// <returns>False when this file system cannot do it.</returns>
    public bool TryTake(string path, out IDisposable? held)
    {
        held = null;
        lock (_gate)
        {
            using var folder = TryLockFolder(path);
            if (folder is null)
            {
                return false;
            }

            if (!IsLocked(path))
            {
                var owner = LinuxFileStatus.TryGet(Path.GetDirectoryName(path)!)?.Owner;
                var file = Link(path, owner) ?? Create(path, owner);
                file.Count++;
                held = new HeldLock(this, file, path);
            }

            return true;
        }
    }

    private void Release(LockedFile file, string path)
    {
        lock (_gate)
        {
            using var folder = TryLockFolder(path);
            if (--file.Count == 0)
            {
                _held.Remove(file);
                file.Handle.Dispose();
            }
            else if (folder is not null && FileIdentity.TryOf(path) == file.Identity)
            {
                // Other locks go on, so the name must not lead to their file any more.
                File.Delete(path);
            }
        }
    }

    private LockedFile? Link(string path, FileOwner? owner)
    {
        var temporary = path + TemporarySuffix;
        foreach (var file in _held.Where(file => file.Owner == owner))
        {
            File.Delete(temporary);
            var source = string.Create(null, $"/proc/self/fd/{file.Handle.DangerousGetHandle()}");
            if (LinkAt(CurrentDirectory, source, CurrentDirectory, temporary, FollowLinks) == 0)
            {
                File.Move(temporary, path, overwrite: true);
                return file;
            }
        }

        return null;
    }

    private LockedFile Create(string path, FileOwner? owner)
    {
        var temporary = path + TemporarySuffix;
        File.Delete(temporary);

        // Nobody else has a use for it, so nobody else may open it: who holds it open could keep the lock from being taken.
#pragma warning disable CA2000 // The stream has nothing but the handle, which outlives it.
        var handle = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }).SafeFileHandle;
#pragma warning restore CA2000
        try
        {
            _ = UnixFileRights.TryGive(handle, FileRights.Private with { Owner = owner });
            var file = new LockedFile(handle, FileIdentity.TryOf(temporary), owner);
            File.Move(temporary, path, overwrite: true);
            _held.Insert(0, file);
            return file;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static bool IsLocked(string path)
    {
        try
        {
#pragma warning disable RS0030 // No file of a database.
            File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete).Dispose();
#pragma warning restore RS0030
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException) when (File.Exists(path))
        {
            return true;
        }
    }

    // Waits: others hold it only as long as it takes to rename a file.
    private static FolderLock? TryLockFolder(string path)
    {
        var descriptor = OpenDescriptor(Path.GetDirectoryName(path)!, CloseOnExec);
        if (descriptor < 0)
        {
            return null;
        }

        int result;
        do
        {
            result = LockDescriptor(descriptor, Exclusive);
        }
        while (result != 0 && Marshal.GetLastPInvokeError() == Interrupted);

        if (result == 0)
        {
            return new FolderLock(descriptor);
        }

        _ = CloseDescriptor(descriptor);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int LockDescriptor(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "linkat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkAt(int sourceFolder, string source, int targetFolder, string target, int flags);

    private sealed class LockedFile(SafeFileHandle handle, FileIdentity? identity, FileOwner? owner)
    {
        public SafeFileHandle Handle { get; } = handle;

        /// <summary>For whom it was made.</summary>
        public FileOwner? Owner { get; } = owner;

        public FileIdentity? Identity { get; } = identity;

        public int Count { get; set; }
    }

    private sealed class FolderLock(int descriptor) : IDisposable
    {
        public void Dispose() => _ = CloseDescriptor(descriptor);
    }

    private sealed class HeldLock(LinkedLocks locks, LockedFile file, string path) : IDisposable
    {
        private bool _isReleased;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _isReleased, true))
            {
                locks.Release(file, path);
            }
        }
    }
}
