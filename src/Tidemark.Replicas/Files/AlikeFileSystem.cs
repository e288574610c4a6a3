namespace Tidemark.Replicas.Files;

/// <summary>The files of this machine, where everything that is created gets the rights of a certain file: a copy of a secret database is as
/// secret.</summary>
/// <remarks>
/// <para>A file gets the mode and, where permitted, the owner of the model at that moment. A folder gets them too, with the right to enter for
/// whoever may read, and without what the folder of the model does not permit. While there is no model, they are for the user of the process
/// alone. What is there keeps its rights. On Windows, folders pass theirs on, and nothing is changed.</para>
/// <para>Thread-safe.</para>
/// </remarks>
/// <param name="files">The files of this machine.</param>
/// <param name="model">Path of the file, or for <see cref="Likeness.OwnerOnly"/> of the folder, whose rights are taken. It is never opened, so it may be a live database.</param>
/// <param name="likeness">What is taken of them.</param>
public sealed class AlikeFileSystem(IFileSystem files, string model, Likeness likeness = Likeness.Same) : IFileSystem
{
    private readonly string _model = Path.GetFullPath(model);

    /// <inheritdoc/>
    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null)
        => mode is FileMode.Open or FileMode.Truncate
            ? files.Open(path, mode, access)
            : files.Open(path, mode, access, rights ?? RightsOfModel ?? FileRights.Private);

    /// <inheritdoc/>
    public void CreateDirectory(string path, FileRights? rights = null)
    {
        if (!files.DirectoryExists(path))
        {
            files.CreateDirectory(path, rights ?? RightsOfFolders());
        }
    }

    /// <inheritdoc/>
    public void Move(string source, string destination) => files.Move(source, destination);

    /// <inheritdoc/>
    public bool TryMoveNew(string source, string destination) => files.TryMoveNew(source, destination);

    /// <inheritdoc/>
    public void Delete(string path) => files.Delete(path);

    /// <inheritdoc/>
    public bool TryDeleteUnused(string path) => files.TryDeleteUnused(path);

    /// <inheritdoc/>
    public IDisposable? TryLock(string path) => files.TryLock(path);

    /// <inheritdoc/>
    public bool FileExists(string path) => files.FileExists(path);

    /// <inheritdoc/>
    public bool DirectoryExists(string path) => files.DirectoryExists(path);

    /// <inheritdoc/>
    public void DeleteEmptyDirectory(string path) => files.DeleteEmptyDirectory(path);

    /// <inheritdoc/>
    public FileFacts? TryGetFacts(string path) => files.TryGetFacts(path);

    /// <inheritdoc/>
    public FileStamp? TryGetStamp(string path) => files.TryGetStamp(path);

    /// <inheritdoc/>
    public FileStatus? TryGetStatus(string path) => files.TryGetStatus(path);

    /// <inheritdoc/>
    public FileUse? TryFindUse(string path, long lockOffset, long lockLength) => files.TryFindUse(path, lockOffset, lockLength);

    /// <inheritdoc/>
    public string FinalPath(string path) => files.FinalPath(path);

    /// <inheritdoc/>
    public void SetModified(string path, DateTimeOffset modified) => files.SetModified(path, modified);

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string directory) => files.ListFiles(directory);

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories(string directory) => files.ListDirectories(directory);

    /// <inheritdoc/>
    public void SyncDirectory(string path) => files.SyncDirectory(path);

    /// <inheritdoc/>
    public IFileWatch Watch() => files.Watch();

    /// <inheritdoc/>
    public IFileSystem WithoutLinks(string folder) => new AlikeFileSystem(files.WithoutLinks(folder), model, likeness);

    private FileRights? RightsOfModel => (files.TryGetStatus(_model), likeness) switch
    {
        ({ Rights: { } rights }, Likeness.OwnerOnly) => FileRights.Private with { Owner = rights.Owner },
        ({ Kind: FileKind.File, Rights: { } rights }, Likeness.ReadersOnly) => rights.ForReaders(),
        ({ Kind: FileKind.File, Rights: { } rights }, _) => rights,
        _ => null,
    };

    private FileRights RightsOfFolders()
    {
        var around = files.TryGetStatus(Path.GetDirectoryName(files.FinalPath(_model))!)?.Rights?.Mode;
        return (RightsOfModel ?? FileRights.Private).ForFolder(around);
    }
}
