using System.Buffers;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Restore;

/// <summary>
/// The place of the restored database: what may be there, the temporary file beside it, and the moment at which one becomes the other.
/// </summary>
/// <remarks>
/// <para><b>The temporary file</b> is <c>.NAME.RANDOM.tidemark-restore</c> in the same folder, so that two restores never share one and a
/// rename suffices. What a killed restore left behind is removed by the next one to the same place, at once: the operating system knows
/// whether somebody still has the file open (<see cref="IFileSystem.TryDeleteUnused"/>).</para>
/// <para><b>Its rights</b> are from the beginning those of the file whose place it takes, also of an empty one; where there is none, it is for
/// the user of the process alone (<see cref="AlikeFileSystem"/>).</para>
/// <para><b>An old database that somebody has open</b> is not replaced: they would go on with a file that has no name any more, and a
/// journal that they make beside it would be played into the new one. That is looked for twice, before anything is fetched and before
/// anything is moved (<see cref="IFileSystem.TryFindUse"/>).</para>
/// <para><b>Publishing over an old database.</b> SQLite keeps a part of a database in files beside it, and would replay an old <c>-wal</c>
/// or <c>-journal</c> into any database of that name: nothing in them tells which one they belong to. No system renames two files at once,
/// so:</para>
/// <list type="number">
/// <item>The new file is complete, checked and durable (fsync) before anything else is touched, and closed before it gets its name: closing
/// a handle on a database drops the locks of everybody in this process who has opened it meanwhile.</item>
/// <item>The old sidecar files move aside (<c>.NAME-wal.RANDOM.tidemark-old</c>), and that is made durable.</item>
/// <item>The new file gets its name, and that is made durable.</item>
/// <item>What was moved aside is deleted.</item>
/// </list>
/// <para>So at no moment an old sidecar stands beside the new database. A crash between 2 and 3 leaves the old database without its
/// sidecars, which is what the other order (new name first) would have to pay for with silent damage to the new one; nothing is deleted by
/// then, and repeating the restore completes it. When step 3 fails without a crash, the sidecars are put back, and the old database is as
/// it was.</para>
/// </remarks>
internal sealed class RestoreOutput : IDisposable
{
    private const string TemporaryEnding = ".tidemark-restore";
    private const string AsideEnding = ".tidemark-old";
    private const int RandomLength = 16;

    // The locks of every connection in WAL mode, and of others during a transaction. https://www.sqlite.org/src/file/src/os.h
    private const long LocksOffset = 0x4000_0000;
    private const long LocksLength = 512;

    // https://www.sqlite.org/walformat.html#wal_locks, and the byte behind them by which every connection holds on to the index.
    private const long IndexLocksOffset = 120;
    private const long IndexLocksLength = 9;

    /// <summary>What SQLite may keep beside a database.</summary>
    private static readonly string[] s_sidecars = ["-wal", "-shm", "-journal"];

    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdef");

    private readonly AlikeFileSystem _files;
    private readonly bool _overwrite;
    private readonly bool _mayBeOpen;
    private readonly string _folder;
    private readonly string _name;
    private readonly string _random = Guid.NewGuid().ToString("n")[..RandomLength];
    private IFile? _file;
    private bool _wasCreated;
    private bool _mayHaveMovedSidecars;
    private bool _isPublished;

    /// <summary>Touches nothing yet.</summary>
    /// <param name="files">The files of this machine.</param>
    /// <param name="path">Where the database goes.</param>
    /// <param name="overwrite">Whether a database may be there.</param>
    /// <param name="mayBeOpen">Whether somebody may have it open.</param>
    public RestoreOutput(IFileSystem files, string path, bool overwrite, bool mayBeOpen)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        (_overwrite, _mayBeOpen) = (overwrite, mayBeOpen);
        Path = Guard("follow the links of", path, () => files.FinalPath(path));
        _folder = System.IO.Path.GetDirectoryName(Path) ?? throw RestoreOutputException.IsDirectory(Path);
        _files = new AlikeFileSystem(files.WithoutLinks(_folder), Path);
        _name = System.IO.Path.GetFileName(Path);
        TemporaryPath = System.IO.Path.Combine(_folder, $".{_name}.{_random}{TemporaryEnding}");
    }

    /// <summary>Where the database goes, as an absolute path: where links lead to, since SQLite keeps its files there.</summary>
    public string Path { get; }

    /// <summary>Where it is built.</summary>
    public string TemporaryPath { get; }

    /// <summary>Checks that a database may be put here.</summary>
    /// <exception cref="RestoreOutputException">There is a folder, a device or the like, or something that may not be
    /// overwritten.</exception>
    public void ThrowUnlessAllowed()
    {
        var kind = Guard("look at", Path, () => _files.TryGetStatus(Path))?.Kind;
        if (_name.Length == 0 || kind == FileKind.Folder)
        {
            throw RestoreOutputException.IsDirectory(Path);
        }

        if (kind is not (null or FileKind.File))
        {
            throw RestoreOutputException.IsNoFile(Path, kind.Value);
        }

        if (!_overwrite)
        {
            ThrowIfThere();
        }

        // Also an empty file: an application may have made it in this moment.
        if (!_mayBeOpen)
        {
            ThrowIfUsed(Path, LocksOffset, LocksLength);
            ThrowIfUsed(Path + "-shm", IndexLocksOffset, IndexLocksLength);
        }
    }

    /// <summary>Creates the temporary file, and the folders above it.</summary>
    public IFile CreateTemporary()
    {
        Guard("create the folder", _folder, () => _files.CreateDirectory(_folder));
        RemoveDeadTemporaries();
        _wasCreated = true;
        _file = CreateNew();
        if (!_files.FileExists(TemporaryPath))
        {
            // Another restore to this place has cleaned up in the moment between creation and the lock that tells that it is in use.
            CloseFile();
            _file = CreateNew();
        }

        return _file;
    }

    /// <summary>Removes what somebody who has opened the temporary database with SQLite left beside it.</summary>
    public void RemoveTemporarySidecars()
    {
        foreach (var sidecar in s_sidecars)
        {
            Guard("delete", TemporaryPath + sidecar, () => _files.Delete(TemporaryPath + sidecar));
        }
    }

    /// <summary>Makes the temporary file the database.</summary>
    public void Publish()
    {
        Guard("write", TemporaryPath, _file!.Sync);
        CloseFile();
        ThrowUnlessAllowed(); // Somebody may have made a database here meanwhile.
        MoveSidecarsAside();
        Guard("publish", Path, () => _files.Move(TemporaryPath, Path));
        _isPublished = true;
        Guard("publish", Path, () => _files.SyncDirectory(_folder));
        RemoveAsides();
    }

    /// <summary>Removes the temporary file unless it was published, and puts the old database's sidecar files back.</summary>
    public void Dispose()
    {
        CloseFile();
        if (_isPublished || !_wasCreated)
        {
            return;
        }

        // A rename that was reported as failed may have happened. The temporary name tells: where it is gone, the new database has
        // taken the place, and the old sidecars must not come back.
        if (_mayHaveMovedSidecars && _files.FileExists(TemporaryPath))
        {
            BestEffort(PutSidecarsBack);
        }

        BestEffort(() => _files.Delete(TemporaryPath));
        BestEffort(RemoveTemporarySidecars);
    }

    private void ThrowIfThere()
    {
        if (Guard("look at", Path, () => _files.TryGetFacts(Path)) is { SizeBytes: > 0 })
        {
            throw RestoreOutputException.Exists(Path);
        }

        // Also when there is no database: SQLite would replay an abandoned -wal into the restored one.
        if (s_sidecars.FirstOrDefault(sidecar => _files.FileExists(Path + sidecar)) is { } found)
        {
            throw RestoreOutputException.SidecarExists(Path + found);
        }
    }

    private void ThrowIfUsed(string path, long lockOffset, long lockLength)
    {
        if (Guard("find out who uses", path, () => _files.TryFindUse(path, lockOffset, lockLength)) is { } use)
        {
            throw RestoreOutputException.IsOpen(Path, use);
        }
    }

    private IFile CreateNew()
        => Guard("create", TemporaryPath, () => _files.Open(TemporaryPath, FileMode.CreateNew, FileAccess.ReadWrite));

    private void MoveSidecarsAside()
    {
        foreach (var sidecar in s_sidecars)
        {
            if (_files.FileExists(Path + sidecar))
            {
                _mayHaveMovedSidecars = true;
                Guard("move aside", Path + sidecar, () => _files.Move(Path + sidecar, AsidePath(sidecar)));
            }
        }

        if (_mayHaveMovedSidecars)
        {
            Guard("move aside the old sidecar files in", _folder, () => _files.SyncDirectory(_folder));
        }
    }

    private void PutSidecarsBack()
    {
        foreach (var sidecar in s_sidecars)
        {
            if (_files.FileExists(AsidePath(sidecar)))
            {
                BestEffort(() => _files.Move(AsidePath(sidecar), Path + sidecar));
            }
        }

        _files.SyncDirectory(_folder);
    }

    /// <summary>Deletes what this and earlier restores moved aside: it belongs to databases that are no more.</summary>
    private void RemoveAsides() => BestEffort(() =>
    {
        foreach (var name in _files.ListFiles(_folder))
        {
            if (s_sidecars.Any(sidecar => IsOurs(name, _name + sidecar, AsideEnding)))
            {
                BestEffort(() => _files.Delete(System.IO.Path.Combine(_folder, name)));
            }
        }
    });

    private void RemoveDeadTemporaries() => BestEffort(() =>
    {
        foreach (var name in _files.ListFiles(_folder))
        {
            var path = System.IO.Path.Combine(_folder, name);
            if (IsOurs(name, _name, TemporaryEnding) && _files.TryDeleteUnused(path))
            {
                foreach (var sidecar in s_sidecars)
                {
                    BestEffort(() => _files.Delete(path + sidecar));
                }
            }
        }
    });

    private string AsidePath(string sidecar) => System.IO.Path.Combine(_folder, $".{_name}{sidecar}.{_random}{AsideEnding}");

    /// <summary>Whether a name is <c>.NAME.RANDOM</c> and the ending.</summary>
    private static bool IsOurs(string name, string of, string ending)
        => name.Length == 2 + of.Length + RandomLength + ending.Length
            && name[0] == '.'
            && name.AsSpan(1).StartsWith(of, StringComparison.Ordinal)
            && name[1 + of.Length] == '.'
            && name.AsSpan(2 + of.Length, RandomLength).IndexOfAnyExcept(s_hexDigits) < 0
            && name.EndsWith(ending, StringComparison.Ordinal);

    private void CloseFile()
    {
        _file?.Dispose();
        _file = null;
    }

    private static void BestEffort(Action operation)
    {
        try
        {
            operation();
        }
        catch (Exception e) when (FileErrors.IsFileError(e) || e is RestoreOutputException)
        {
            // What is left costs space and nothing else, and the next restore to this place removes it.
        }
    }

    private static void Guard(string action, string path, Action operation) => Guard<object?>(action, path, () =>
    {
        operation();
        return null;
    });

    private static T Guard<T>(string action, string path, Func<T> operation)
    {
        try
        {
            return operation();
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw RestoreOutputException.Failed(action, path, e);
        }
    }
}
