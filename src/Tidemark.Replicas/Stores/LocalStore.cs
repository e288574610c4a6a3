using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>
/// A replica in a folder: <c>FOLDER/ltx/LEVEL/MIN-MAX.ltx</c>, the level in decimal. The file's modification time is its time of creation.
/// </summary>
/// <remarks>
/// <para>A file is written under a temporary name that no listing shows and no two writers share; then come, in this order: its
/// modification time, fsync, rename, fsync of the folder. A crash at any point leaves nothing under the final name or the whole
/// file. A file that is to be created gets its name by a rename that refuses to replace one (<see cref="IFileSystem.TryMoveNew"/>).</para>
/// <para>Who writes here stands in the file <c>tidemark-writer</c> beside the folder <c>ltx</c>.</para>
/// <para>A killed process leaves its temporary files behind. The first write to a level removes those that nobody has open any more
/// (<see cref="IFileSystem.TryDeleteUnused"/>), so the file of a writer that lives is never touched.</para>
/// <para>Folders are created by the first write. A folder that does not exist is an empty replica. But where this store has seen files and
/// nothing is left of them, nothing is created: the disk may not be mounted, and its place must not be filled.</para>
/// <para>A process of root follows no links in the folder (<see cref="IFileSystem.WithoutLinks"/>).</para>
/// </remarks>
public sealed class LocalStore : IReplicaStore, ILegacyReplicaSource, IReplicaChangeSource
{
    /// <summary>The folder of the levels, in that of the replica.</summary>
    internal const string LtxFolderName = "ltx";

    private const int BufferSizeBytes = 128 * 1024;
    private const string TemporaryEnding = ".tmp";
    private const string ClaimName = "tidemark-writer";
    private const int ClaimBytesMax = 4096;

    private readonly IFileSystem _files;
    private readonly LegacyFolder _legacy;
    private readonly Lock _gate = new();

    /// <summary>Levels whose folder is known to exist and to be free of leftovers.</summary>
    private readonly HashSet<Level> _preparedLevels = [];

    /// <summary>Levels that had files or a folder of their own.</summary>
    private readonly HashSet<Level> _seenLevels = [];

    private bool _isPreparedForClaim;

    /// <summary>Uses a folder, which need not exist.</summary>
    /// <param name="folder">The folder of the replica; relative to the working directory unless it is absolute.</param>
    /// <param name="files">The files of this machine. To write what only those may read who may read the database, an
    /// <see cref="AlikeFileSystem"/>.</param>
    public LocalStore(string folder, IFileSystem files)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        Name = StoreUrl.ForFolder(Folder);
        _files = files.WithoutLinks(Folder);
        _legacy = new LegacyFolder(Name, Folder, _files);
    }

    /// <summary>The folder of the replica, as an absolute path.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LtxFileInfo> ListAsync(
        Level level, Txid from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await ValueTask.CompletedTask.ConfigureAwait(false);
        var folder = FolderOf(level);
        var names = ListNames(folder, from);
        if (names.Count > 0)
        {
            lock (_gate)
            {
                _seenLevels.Add(level);
            }
        }

        foreach (var name in names)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var facts = Guard("list", folder, () => _files.TryGetFacts(Path.Combine(folder, name.ToString())));
            if (facts is { } found)
            {
                yield return new LtxFileInfo(new LtxFileKey(level, name), found.SizeBytes, found.Modified);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = PathOf(key);
        try
        {
            var file = _files.Open(path, FileMode.Open, FileAccess.Read);
            return ValueTask.FromResult<Stream>(
                new TranslatingStream(new FileContentStream(file, offset, length), e => Failure("read", path, e)));
        }
        catch (Exception e) when (FileErrors.IsNotFound(e))
        {
            ThrowIfFileIsInTheWay(FolderOf(key.Level), e);
            throw new ReplicaFileNotFoundException(Name, key, e);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw Failure("open", path, e);
        }
    }

    /// <inheritdoc/>
    public ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(key, created, content, replaces: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(key, created, content, replaces: false, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            using var file = _files.Open(ClaimPath, FileMode.Open, FileAccess.Read);
            var bytes = new byte[ClaimBytesMax];
            return ValueTask.FromResult<string?>(Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes)));
        }
        catch (Exception e) when (FileErrors.IsNotFound(e))
        {
            ThrowIfFileIsInTheWay(Folder, e);
            return ValueTask.FromResult<string?>(null);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw Failure("read", ClaimPath, e);
        }
    }

    /// <inheritdoc/>
    public ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var bytes = Encoding.UTF8.GetBytes(claim);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, ClaimBytesMax);
        var temporary = $"{ClaimPath}.{Guid.NewGuid():n}{TemporaryEnding}";
        try
        {
            Guard("write the claim in", Folder, () =>
            {
                PrepareForClaim();
                using (var file = _files.Open(temporary, FileMode.CreateNew, FileAccess.ReadWrite))
                {
                    file.Write(0, bytes);
                    file.Sync();
                    _files.Move(temporary, ClaimPath);
                }

                _files.SyncDirectory(Folder);
            });
        }
        catch
        {
            DeleteBestEffort(temporary);
            throw;
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
    {
        foreach (var key in keys)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var path = PathOf(key);
            Guard("delete", path, () => _files.Delete(path));
        }

        // The names need no fsync: a deleted file that comes back after a power loss is deleted again by the next retention.
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LegacyFileInfo>> ListLegacyAsync(CancellationToken cancellationToken)
        => _legacy.ListLegacyAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<Stream> OpenLegacyAsync(LegacyFileKey key, CancellationToken cancellationToken)
        => _legacy.OpenLegacyAsync(key, cancellationToken);

    /// <inheritdoc/>
    public IReplicaWatch Watch(Level level) => new FolderWatch(_files.Watch(), FolderOf(level));

    /// <summary>Tells what there is in the folder when no file of a replica is found in it.</summary>
    internal ReplicaAbsence DescribeAbsence() => Guard("list", Folder, () => ReplicaAbsence.OfFolder(Folder, _files));

    private async ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, bool replaces, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var folder = FolderOf(key.Level);
        var path = PathOf(key);
        if (!replaces && Guard("look for", path, () => _files.FileExists(path)))
        {
            throw new ReplicaFileExistsException(Name, key);
        }

        Guard("create the folder", folder, () => Prepare(key.Level, folder));

        var temporary = $"{path}.{Guid.NewGuid():n}{TemporaryEnding}";
        var isPublished = false;
        try
        {
            long sizeBytes;
            using (var file = Guard("create", temporary, () => _files.Open(temporary, FileMode.CreateNew, FileAccess.ReadWrite)))
            {
                sizeBytes = await CopyAsync(content, file, temporary, cancellationToken).ConfigureAwait(false);
                Guard("write", path, () =>
                {
                    _files.SetModified(temporary, created);
                    file.Sync();
                });
                cancellationToken.ThrowIfCancellationRequested();
                // Renamed while it is open: closed, it would look like a leftover to another process that cleans up.
                isPublished = Guard("publish", path, () => Publish(temporary, path, replaces));
            }

            if (!isPublished)
            {
                throw new ReplicaFileExistsException(Name, key);
            }

            Guard("publish", path, () => _files.SyncDirectory(folder));
            return new LtxFileInfo(key, sizeBytes, created);
        }
        finally
        {
            if (!isPublished)
            {
                DeleteBestEffort(temporary);
            }
        }
    }

    private bool Publish(string temporary, string path, bool replaces)
    {
        if (!replaces)
        {
            return _files.TryMoveNew(temporary, path);
        }

        _files.Move(temporary, path);
        return true;
    }

    private static bool IsTemporaryClaim(string name)
        => name.StartsWith(ClaimName + ".", StringComparison.Ordinal) && name.EndsWith(TemporaryEnding, StringComparison.Ordinal);

    private static bool IsTemporary(ReadOnlySpan<char> name)
    {
        var dot = name.IndexOf(LtxFileName.Extension, StringComparison.Ordinal);
        return name.EndsWith(TemporaryEnding, StringComparison.Ordinal)
            && dot >= 0
            && LtxFileName.TryParse(name[..(dot + LtxFileName.Extension.Length)], out _);
    }

    private string ClaimPath => Path.Combine(Folder, ClaimName);

    private string FolderOf(Level level) => Path.Combine(Folder, LtxFolderName, level.ToString());

    private string PathOf(LtxFileKey key) => Path.Combine(FolderOf(key.Level), key.Name.ToString());

    private List<LtxFileName> ListNames(string folder, Txid from)
    {
        var names = new List<LtxFileName>();
        foreach (var text in Guard("list", folder, () => _files.ListFiles(folder)))
        {
            if (LtxFileName.TryParse(text, out var name) && name.MinTxid >= from)
            {
                names.Add(name);
            }
        }

        if (names.Count == 0)
        {
            ThrowIfFileIsInTheWay(folder, null); // Or else a replica whose folder is a file would look like an empty one.
        }

        names.Sort();
        return names;
    }

    private void Prepare(Level level, string folder)
    {
        lock (_gate)
        {
            if (!_preparedLevels.Contains(level))
            {
                ThrowIfAllHasVanished();
                _files.CreateDirectory(folder);
                // A process that died between making these folders and fsync may have made them.
                _files.SyncDirectory(Path.GetDirectoryName(folder)!);
                _files.SyncDirectory(Folder);
                RemoveLeftovers(folder, static name => IsTemporary(name));
                _preparedLevels.Add(level);
                _seenLevels.Add(level);
            }
            else if (!_files.DirectoryExists(folder))
            {
                // Made again by the next write. But what lay there is gone, so the writer has to look what is left before it goes on.
                _preparedLevels.Remove(level);
                throw Vanished(folder);
            }
        }
    }

    private void ThrowIfAllHasVanished()
    {
        if (_seenLevels.Count > 0 && !_seenLevels.Any(level => _files.DirectoryExists(FolderOf(level))))
        {
            throw Vanished(FolderOf(_seenLevels.Min()));
        }
    }

    private ReplicaStoreException Vanished(string folder)
        => new(
            $"{Name}: the folder {folder} has vanished.",
            "Check that the disk is mounted, that nobody removed the replica, and that this user may enter its folders.")
        {
            IsTransient = true,
        };

    // Once: who has just created its file has not locked it yet.
    private void PrepareForClaim()
    {
        lock (_gate)
        {
            ThrowIfAllHasVanished();
            _files.CreateDirectory(Folder);
            if (!_isPreparedForClaim)
            {
                RemoveLeftovers(Folder, IsTemporaryClaim);
                _isPreparedForClaim = true;
            }
        }
    }

    private void RemoveLeftovers(string folder, Func<string, bool> isLeftover)
    {
        foreach (var name in _files.ListFiles(folder))
        {
            if (isLeftover(name))
            {
                _ = _files.TryDeleteUnused(Path.Combine(folder, name)); // What cannot be removed costs space and nothing else.
            }
        }
    }

    private async ValueTask<long> CopyAsync(Stream content, IFile file, string temporary, CancellationToken cancellationToken)
    {
        // Rented: thousands of small files would else leave as many large buffers to the garbage collector.
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSizeBytes);
        try
        {
            long sizeBytes = 0;
            while (true)
            {
                // Failures of the content are the caller's, and pass unchanged.
                var count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    return sizeBytes;
                }

                var offset = sizeBytes;
                Guard("write", temporary, () => file.Write(offset, buffer.AsSpan(0, count)));
                sizeBytes += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void DeleteBestEffort(string temporary)
    {
        try
        {
            _files.Delete(temporary);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            // The failure that led here is the one to report; the next process removes the leftover.
        }
    }

    private void Guard(string action, string path, Action operation) => Guard<object?>(action, path, () =>
    {
        operation();
        return null;
    });

    private T Guard<T>(string action, string path, Func<T> operation)
    {
        try
        {
            return operation();
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            ThrowIfFileIsInTheWay(path, e);
            throw Failure(action, path, e);
        }
    }

    private ReplicaStoreException Failure(string action, string path, Exception e)
    {
        var (reason, hint) = FolderRights.Explain(e, path, action is "read" or "open" or "list" or "look for", Folder, _files);
        return new($"{Name}: cannot {action} {path}: {reason}", hint, e)
        {
            // What somebody has removed while it was written is made again by the next write.
            IsTransient = FileErrors.IsTransient(e) || (FileErrors.IsNotFound(e) && _files.DirectoryExists(Folder)),
        };
    }

    /// <summary>Throws if something on the way to a folder, the folder itself included, is a file.</summary>
    private void ThrowIfFileIsInTheWay(string folder, Exception? cause)
    {
        for (var part = folder; part is not null && part.Length >= Folder.Length; part = Path.GetDirectoryName(part))
        {
            if (!LtxFileName.TryParse(Path.GetFileName(part), out _) && !IsTemporary(Path.GetFileName(part)) && _files.FileExists(part))
            {
                throw new ReplicaStoreException(
                    $"{Name}: {part} is a file, but must be a folder.", "Choose a folder for the replica, or move the file away.", cause);
            }
        }
    }
}
