using Tidemark.Replicas.Files;

namespace Tidemark.Simulation;

/// <summary>A disk in front of other files: now and then an operation fails, a write falls short, or there is no room for a while.</summary>
internal sealed class Disk(IFileSystem inner) : IFileSystem
{
    private const int NoSpace = 28;
    private int _untilFailure;

    /// <summary>Whether there is no room for anything new.</summary>
    public bool IsFull { get; set; }

    /// <summary>Whether an operation has failed for another reason than that since this was last set to false: then a temporary file may have
    /// stayed, since it could not be deleted.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Lets the n-th operation from now fail, counted from 1; zero: none.</summary>
    public void FailAt(int operation) => _untilFailure = operation;

    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null)
    {
        Step();
        if (IsFull && mode is not (FileMode.Open or FileMode.Truncate) && !inner.FileExists(path))
        {
            throw Full();
        }

        return new OpenFile(this, inner.Open(path, mode, access, rights));
    }

    public void Move(string source, string destination)
    {
        Step();
        inner.Move(source, destination);
    }

    public bool TryMoveNew(string source, string destination)
    {
        Step();
        return inner.TryMoveNew(source, destination);
    }

    public void Delete(string path)
    {
        Step();
        inner.Delete(path);
    }

    public bool TryDeleteUnused(string path) => inner.TryDeleteUnused(path);

    public IDisposable? TryLock(string path) => inner.TryLock(path);

    public bool FileExists(string path) => inner.FileExists(path);

    public bool DirectoryExists(string path) => inner.DirectoryExists(path);

    public void CreateDirectory(string path, FileRights? rights = null)
    {
        Step();
        inner.CreateDirectory(path, rights);
    }

    public void DeleteEmptyDirectory(string path)
    {
        Step();
        inner.DeleteEmptyDirectory(path);
    }

    public FileFacts? TryGetFacts(string path) => inner.TryGetFacts(path);

    public FileStamp? TryGetStamp(string path) => inner.TryGetStamp(path);

    public FileStatus? TryGetStatus(string path) => inner.TryGetStatus(path);

    public FileUse? TryFindUse(string path, long lockOffset, long lockLength) => inner.TryFindUse(path, lockOffset, lockLength);

    public string FinalPath(string path) => inner.FinalPath(path);

    public void SetModified(string path, DateTimeOffset modified) => inner.SetModified(path, modified);

    public IReadOnlyList<string> ListFiles(string directory)
    {
        Step();
        return inner.ListFiles(directory);
    }

    public IReadOnlyList<string> ListDirectories(string directory)
    {
        Step();
        return inner.ListDirectories(directory);
    }

    public void SyncDirectory(string path)
    {
        Step();
        inner.SyncDirectory(path);
    }

    public IFileWatch Watch() => inner.Watch();

    private static IOException Full() => new("No space left on device", NoSpace);

    private bool NextFails()
    {
        var fails = _untilFailure > 0 && --_untilFailure == 0;
        HasFailed |= fails;
        return fails;
    }

    private void Step()
    {
        if (NextFails())
        {
            throw new IOException("An injected fault of the disk.");
        }
    }

    private sealed class OpenFile(Disk disk, IFile file) : IFile
    {
        public long Length => file.Length;

        public int Read(long offset, Span<byte> destination)
        {
            disk.Step();
            return file.Read(offset, destination);
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            var isBeyond = disk.IsFull && offset + source.Length > file.Length;
            if (disk.NextFails() || isBeyond)
            {
                file.Write(offset, source[..(source.Length / 2)]); // A failing write has often written a part.
                throw isBeyond ? Full() : new IOException("An injected fault while writing.");
            }

            file.Write(offset, source);
        }

        public void SetLength(long length)
        {
            disk.Step();
            if (disk.IsFull && length > file.Length)
            {
                throw Full();
            }

            file.SetLength(length);
        }

        public void Sync()
        {
            disk.Step();
            file.Sync();
        }

        public bool TryLockRange(long offset, long length, bool isShared) => file.TryLockRange(offset, length, isShared);

        public void UnlockRange(long offset, long length) => file.UnlockRange(offset, length);

        public void Dispose() => file.Dispose();
    }
}
