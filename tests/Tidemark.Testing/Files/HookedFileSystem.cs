using Tidemark.Replicas.Files;

namespace Tidemark.Testing.Files;

/// <summary>The real files, with a look at what is opened, read and locked.</summary>
public sealed class HookedFileSystem : IFileSystem
{
    private readonly PhysicalFileSystem _inner = PhysicalFileSystem.Instance;

    /// <summary>Called with the path before a file is opened; what it throws is the failure.</summary>
    public Action<string>? Opening { get; set; }

    /// <summary>Called with the path before a part of a file is read.</summary>
    public Action<string>? Reading { get; set; }

    /// <summary>Called with the path before a folder is listed; what it throws is the failure.</summary>
    public Action<string>? Listing { get; set; }

    /// <summary>Called with the path before a folder is created; what it throws is the failure.</summary>
    public Action<string>? Creating { get; set; }

    /// <summary>What files are said to be, whatever they are: a disk that changes bytes by itself tells nobody.</summary>
    public Dictionary<string, FileStamp?> Stamps { get; } = [];

    /// <summary>Called before each try to lock a range of a file.</summary>
    public Action? Locking { get; set; }

    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null)
    {
        Opening?.Invoke(path);
        return new HookedFile(this, path, _inner.Open(path, mode, access, rights));
    }

    public void Move(string source, string destination) => _inner.Move(source, destination);

    public bool TryMoveNew(string source, string destination) => _inner.TryMoveNew(source, destination);

    public void Delete(string path) => _inner.Delete(path);

    public bool TryDeleteUnused(string path) => _inner.TryDeleteUnused(path);

    public IDisposable? TryLock(string path) => _inner.TryLock(path);

    public bool FileExists(string path) => _inner.FileExists(path);

    public bool DirectoryExists(string path) => _inner.DirectoryExists(path);

    public void CreateDirectory(string path, FileRights? rights = null)
    {
        Creating?.Invoke(path);
        _inner.CreateDirectory(path, rights);
    }

    public void DeleteEmptyDirectory(string path) => _inner.DeleteEmptyDirectory(path);

    public FileFacts? TryGetFacts(string path) => _inner.TryGetFacts(path);

    public FileStamp? TryGetStamp(string path) => Stamps.TryGetValue(path, out var stamp) ? stamp : _inner.TryGetStamp(path);

    public FileStatus? TryGetStatus(string path) => _inner.TryGetStatus(path);

    public FileUse? TryFindUse(string path, long lockOffset, long lockLength) => _inner.TryFindUse(path, lockOffset, lockLength);

    public string FinalPath(string path) => _inner.FinalPath(path);

    public void SetModified(string path, DateTimeOffset modified) => _inner.SetModified(path, modified);

    public IReadOnlyList<string> ListFiles(string directory)
    {
        Listing?.Invoke(directory);
        return _inner.ListFiles(directory);
    }

    public IReadOnlyList<string> ListDirectories(string directory) => _inner.ListDirectories(directory);

    public void SyncDirectory(string path) => _inner.SyncDirectory(path);

    public IFileWatch Watch() => _inner.Watch();

    private sealed class HookedFile(HookedFileSystem owner, string path, IFile inner) : IFile
    {
        public long Length => inner.Length;

        public int Read(long offset, Span<byte> destination)
        {
            owner.Reading?.Invoke(path);
            return inner.Read(offset, destination);
        }

        public void Write(long offset, ReadOnlySpan<byte> source) => inner.Write(offset, source);

        public void SetLength(long length) => inner.SetLength(length);

        public void Sync() => inner.Sync();

        public bool TryLockRange(long offset, long length, bool isShared)
        {
            owner.Locking?.Invoke();
            return inner.TryLockRange(offset, length, isShared);
        }

        public void UnlockRange(long offset, long length) => inner.UnlockRange(offset, length);

        public void Dispose() => inner.Dispose();
    }
}
