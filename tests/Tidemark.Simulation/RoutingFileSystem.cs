using Tidemark.Replicas.Files;

namespace Tidemark.Simulation;

/// <summary>Tidemark's own files lie in one file system, whose power can fail; the live database's WAL lies on the real disk.</summary>
internal sealed class RoutingFileSystem(IFileSystem own, IFileSystem real, string realFolder) : IFileSystem
{
    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null) => For(path).Open(path, mode, access, rights);

    public void Move(string source, string destination) => For(source).Move(source, destination);

    public bool TryMoveNew(string source, string destination) => For(source).TryMoveNew(source, destination);

    public void Delete(string path) => For(path).Delete(path);

    public bool TryDeleteUnused(string path) => For(path).TryDeleteUnused(path);

    public IDisposable? TryLock(string path) => For(path).TryLock(path);

    public bool FileExists(string path) => For(path).FileExists(path);

    public bool DirectoryExists(string path) => For(path).DirectoryExists(path);

    public void CreateDirectory(string path, FileRights? rights = null) => For(path).CreateDirectory(path, rights);

    public void DeleteEmptyDirectory(string path) => For(path).DeleteEmptyDirectory(path);

    public FileFacts? TryGetFacts(string path) => For(path).TryGetFacts(path);

    public FileStamp? TryGetStamp(string path) => For(path).TryGetStamp(path);

    public FileStatus? TryGetStatus(string path) => For(path).TryGetStatus(path);

    public FileUse? TryFindUse(string path, long lockOffset, long lockLength) => For(path).TryFindUse(path, lockOffset, lockLength);

    public string FinalPath(string path) => For(path).FinalPath(path);

    public void SetModified(string path, DateTimeOffset modified) => For(path).SetModified(path, modified);

    public IReadOnlyList<string> ListFiles(string directory) => For(directory).ListFiles(directory);

    public IReadOnlyList<string> ListDirectories(string directory) => For(directory).ListDirectories(directory);

    public void SyncDirectory(string path) => For(path).SyncDirectory(path);

    public IFileWatch Watch() => real.Watch();

    private IFileSystem For(string path) => path.StartsWith(realFolder, StringComparison.Ordinal) ? real : own;
}
