using Tidemark.Replicas.Files;

namespace Tidemark.Testing.Files;

/// <summary>
/// Lets one operation of another file system fail. Fails the first, then the second, and so on, until a protocol runs through.
/// </summary>
/// <param name="inner">Where the files are.</param>
/// <param name="failAt">Which operation fails, from 1; 0 for none.</param>
/// <param name="kind">How it fails.</param>
public sealed class FaultyFileSystem(IFileSystem inner, int failAt, FileFault kind = FileFault.Error) : IFileSystem
{
    private const int NoSpaceOnUnix = 28;
    private int _operations;

    /// <summary>How many operations there were.</summary>
    public int Operations => _operations;

    /// <summary>Whether an operation has failed.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Called before each operation, with its number.</summary>
    public Action<int>? BeforeOperation { get; init; }

    /// <inheritdoc/>
    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null)
        => Run(() => new FaultyFile(this, inner.Open(path, mode, access, rights)));

    /// <inheritdoc/>
    public void Move(string source, string destination) => Run(() => inner.Move(source, destination));

    /// <inheritdoc/>
    public bool TryMoveNew(string source, string destination) => Run(() => inner.TryMoveNew(source, destination));

    /// <inheritdoc/>
    public void Delete(string path) => Run(() => inner.Delete(path));

    /// <inheritdoc/>
    public bool TryDeleteUnused(string path) => inner.TryDeleteUnused(path);

    /// <inheritdoc/>
    public IDisposable? TryLock(string path) => inner.TryLock(path);

    /// <inheritdoc/>
    public bool FileExists(string path) => inner.FileExists(path);

    /// <inheritdoc/>
    public bool DirectoryExists(string path) => inner.DirectoryExists(path);

    /// <inheritdoc/>
    public void CreateDirectory(string path, FileRights? rights = null) => Run(() => inner.CreateDirectory(path, rights));

    /// <inheritdoc/>
    public void DeleteEmptyDirectory(string path) => Run(() => inner.DeleteEmptyDirectory(path));

    /// <inheritdoc/>
    public FileFacts? TryGetFacts(string path) => Run(() => inner.TryGetFacts(path));

    /// <inheritdoc/>
    public FileStamp? TryGetStamp(string path) => Run(() => inner.TryGetStamp(path));

    /// <inheritdoc/>
    public FileStatus? TryGetStatus(string path) => inner.TryGetStatus(path);

    /// <inheritdoc/>
    public FileUse? TryFindUse(string path, long lockOffset, long lockLength) => inner.TryFindUse(path, lockOffset, lockLength);

    /// <inheritdoc/>
    public string FinalPath(string path) => inner.FinalPath(path);

    /// <inheritdoc/>
    public void SetModified(string path, DateTimeOffset modified) => Run(() => inner.SetModified(path, modified));

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string directory) => Run(() => inner.ListFiles(directory));

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories(string directory) => Run(() => inner.ListDirectories(directory));

    /// <inheritdoc/>
    public void SyncDirectory(string path) => Run(() => inner.SyncDirectory(path));

    /// <inheritdoc/>
    public IFileWatch Watch() => inner.Watch();

    private bool NextFails()
    {
        var operation = Interlocked.Increment(ref _operations);
        BeforeOperation?.Invoke(operation);
        HasFailed |= operation == failAt;
        return operation == failAt;
    }

    private static IOException Failure(FileFault kind) => kind == FileFault.DiskFull
        ? new IOException("No space left on device", OperatingSystem.IsWindows() ? unchecked((int)0x80070070) : NoSpaceOnUnix)
        : new IOException("An injected fault.");

    private void Run(Action operation) => Run<object?>(() =>
    {
        operation();
        return null;
    });

    private T Run<T>(Func<T> operation)
    {
        if (!NextFails())
        {
            return operation();
        }

        if (kind == FileFault.ErrorAfterSuccess)
        {
            var result = operation();
            (result as IDisposable)?.Dispose();
        }

        throw Failure(kind);
    }

    private sealed class FaultyFile(FaultyFileSystem owner, IFile inner) : IFile
    {
        public long Length => inner.Length;

        public int Read(long offset, Span<byte> destination)
        {
            if (owner.NextFails())
            {
                throw Failure(owner.Kind);
            }

            return inner.Read(offset, destination);
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (owner.NextFails())
            {
                inner.Write(offset, source[..(source.Length / 2)]); // A failing write has often written a part.
                throw Failure(owner.Kind);
            }

            inner.Write(offset, source);
        }

        public void SetLength(long length) => owner.Run(() => inner.SetLength(length));

        public void Sync() => owner.Run(inner.Sync);

        public bool TryLockRange(long offset, long length, bool isShared)
            => owner.Run(() => inner.TryLockRange(offset, length, isShared));

        public void UnlockRange(long offset, long length) => inner.UnlockRange(offset, length);

        public void Dispose() => inner.Dispose();
    }

    private FileFault Kind => kind;
}
