using System.Runtime.Versioning;

namespace Tidemark.Replicas.Files;

/// <summary>The files of this machine, where below one folder no link is followed, be it that of a file or that of a folder on the
/// way.</summary>
/// <remarks>
/// <para>For a process of root: where another user may write, he can put a link to a file of root in the place of everything, at any time. So
/// the folders on the way are opened one after the other, and what is done is done in the one that was found. The folder itself is reached
/// as its path says: whoever gave that has said so. A file with several names (hard links) is not written to either.</para>
/// <para>Questions for stamp and status only look. A lock is a file that is never written to. Thread-safe.</para>
/// </remarks>
/// <param name="files">The files of this machine.</param>
/// <param name="folder">The folder.</param>
[SupportedOSPlatform("linux")]
internal sealed class LinklessFileSystem(PhysicalFileSystem files, string folder) : IFileSystem
{
    private readonly string _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

    /// <inheritdoc/>
    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null)
    {
        using var parent = TryOpenParent(path, out var name) ?? throw new DirectoryNotFoundException($"There is no folder for {path}.");
        return PhysicalFileSystem.Use(parent.Open(name, mode, access, rights));
    }

    /// <inheritdoc/>
    public void Move(string source, string destination) => InParents(source, destination, (from, to) =>
    {
        files.Move(from, to);
        return true;
    });

    /// <inheritdoc/>
    public bool TryMoveNew(string source, string destination) => InParents(source, destination, files.TryMoveNew);

    /// <inheritdoc/>
    public void Delete(string path)
    {
        using var parent = TryOpenParent(path, out var name);
        if (parent is not null)
        {
            Translate(parent, () => files.Delete(parent.PathOf(name)));
        }
    }

    /// <inheritdoc/>
    public bool TryDeleteUnused(string path)
    {
        using var parent = TryOpenParent(path, out var name);
        if (parent?.TryGetStatus(name)?.IsLink == true)
        {
            files.Delete(parent.PathOf(name)); // Nobody writes through it.
            return true;
        }

        return parent is null || files.TryDeleteUnused(parent.PathOf(name));
    }

    /// <inheritdoc/>
    public IDisposable? TryLock(string path)
    {
        TryOpenParent(path, out _)?.Dispose(); // The lock outlasts a handle, so it goes by the name.
        return files.TryLock(path);
    }

    /// <inheritdoc/>
    public bool FileExists(string path)
    {
        using var parent = TryOpenParent(path, out var name);
        return parent?.TryGetStatus(name) is { } found
            && (found.IsLink ? files.TryGetStatus(parent.PathOf(name)) : new FileStatus(found.Kind, null))?.Kind != FileKind.Folder;
    }

    /// <inheritdoc/>
    public bool DirectoryExists(string path)
    {
        using var found = TryOpenFolder(path);
        return found is not null;
    }

    /// <inheritdoc/>
    public void CreateDirectory(string path, FileRights? rights = null)
    {
        if (PartsOf(path) is not { } parts)
        {
            files.CreateDirectory(path, rights);
            return;
        }

        files.CreateDirectory(_root, rights);
        var current = LinuxFolder.TryOpen(_root);
        try
        {
            foreach (var name in parts)
            {
                using var above = current ?? throw new DirectoryNotFoundException($"{path}: somebody removed a folder above it.");
                if (above.TryGetStatus(name) is null)
                {
                    Translate(above, () => files.CreateDirectory(above.PathOf(name), rights));
                }

                current = null;
                current = above.TryOpenFolder(name) ?? throw new IOException($"{Path.Combine(above.Path, name)} is no folder.");
            }
        }
        finally
        {
            current?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void DeleteEmptyDirectory(string path)
    {
        using var parent = TryOpenParent(path, out var name);
        if (parent?.TryGetStatus(name) is { IsLink: false })
        {
            Translate(parent, () => files.DeleteEmptyDirectory(parent.PathOf(name)));
        }
    }

    /// <inheritdoc/>
    public FileFacts? TryGetFacts(string path)
    {
        using var parent = TryOpenParent(path, out var name);
        return parent is null ? null
            : parent.TryGetStatus(name)?.IsLink == true ? throw parent.LinkInTheWay(name)
            : files.TryGetFacts(parent.PathOf(name));
    }

    /// <inheritdoc/>
    public FileStamp? TryGetStamp(string path) => files.TryGetStamp(path);

    /// <inheritdoc/>
    public FileStatus? TryGetStatus(string path) => files.TryGetStatus(path);

    /// <inheritdoc/>
    public FileUse? TryFindUse(string path, long lockOffset, long lockLength) => files.TryFindUse(path, lockOffset, lockLength);

    /// <inheritdoc/>
    public string FinalPath(string path) => files.FinalPath(path);

    /// <inheritdoc/>
    public void SetModified(string path, DateTimeOffset modified)
    {
        using var parent = TryOpenParent(path, out var name) ?? throw new DirectoryNotFoundException($"There is no folder for {path}.");
        if (parent.TryGetStatus(name)?.IsLink == true)
        {
            throw parent.LinkInTheWay(name);
        }

        Translate(parent, () => files.SetModified(parent.PathOf(name), modified));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string directory)
    {
        using var found = TryOpenFolder(directory);
        return found is null ? [] : files.ListFiles(found.OwnPath);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories(string directory)
    {
        using var found = TryOpenFolder(directory);
        return found is null ? [] : files.ListDirectories(found.OwnPath);
    }

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        using var found = TryOpenFolder(path) ?? throw new DirectoryNotFoundException($"There is no folder {path}.");
        Translate(found, () => files.SyncDirectory(found.OwnPath));
    }

    /// <inheritdoc/>
    public IFileWatch Watch() => files.Watch();

    /// <inheritdoc/>
    public IFileSystem WithoutLinks(string folder) => PartsOf(folder) is null ? files.WithoutLinks(folder) : this;

    // The names below the folder; null for what lies elsewhere.
    private string[]? PartsOf(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return full == _root ? []
            : full.StartsWith(_root.EndsWith('/') ? _root : _root + '/', StringComparison.Ordinal)
                ? full[_root.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries)
                : null;
    }

    private LinuxFolder? TryOpenFolder(string path) => PartsOf(path) is { } parts ? Walk(parts) : LinuxFolder.TryOpen(path);

    private LinuxFolder? TryOpenParent(string path, out string name)
    {
        name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        return PartsOf(path) is { Length: > 0 } parts ? Walk(parts.AsSpan(..^1)) : LinuxFolder.TryOpen(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    private LinuxFolder? Walk(ReadOnlySpan<string> parts)
    {
        var current = LinuxFolder.TryOpen(_root);
        foreach (var name in parts)
        {
            using var above = current;
            current = above?.TryOpenFolder(name);
        }

        return current;
    }

    private bool InParents(string source, string destination, Func<string, string, bool> act)
    {
        using var from = TryOpenParent(source, out var sourceName) ?? throw new DirectoryNotFoundException($"There is no folder for {source}.");
        using var to = TryOpenParent(destination, out var name) ?? throw new DirectoryNotFoundException($"There is no folder for {destination}.");
        var result = false;
        Translate(from, () => Translate(to, () => result = act(from.PathOf(sourceName), to.PathOf(name))));
        return result;
    }

    // Nobody but this process knows the folder by its number.
    private static void Translate(LinuxFolder found, Action act)
    {
        try
        {
            act();
        }
        catch (Exception e) when (FileErrors.IsFileError(e) && e.Message.Contains(found.OwnPath, StringComparison.Ordinal))
        {
            var text = e.Message.Replace(found.OwnPath, found.Path, StringComparison.Ordinal);
            throw e switch
            {
                FileNotFoundException => new FileNotFoundException(text),
                DirectoryNotFoundException => new DirectoryNotFoundException(text),
                UnauthorizedAccessException => new UnauthorizedAccessException(text),
                _ => new IOException(text, e.HResult),
            };
        }
    }
}
