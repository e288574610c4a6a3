using Tidemark.Replicas.Files;

namespace Tidemark.Testing.Files;

/// <summary>Files in memory that behave as those of a journalling file system, and whose power can fail.</summary>
/// <remarks>
/// <para>What is written is durable only after <see cref="IFile.Sync"/>; a name that was made, changed or removed only after
/// <see cref="IFileSystem.SyncDirectory"/>. Names of one folder reach the disk in the order in which they were changed, unless
/// <see cref="PowerLoss.Unordered"/> is asked for; contents in no order at all.</para>
/// <para>With <see cref="FailPowerAt"/>, the n-th operation and all that follow fail, as they do for a program that is no more: it can
/// clean up nothing. <see cref="Restart"/> then brings back what had reached the disk.</para>
/// </remarks>
public sealed class MemoryFileSystem : IFileSystem
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Folder> _folders = new() { ["/"] = new Folder() };
    private readonly HashSet<(int Generation, string Path)> _locks = [];
    private int _operations;
    private int _generation;
    private int? _failPowerAt;

    /// <summary>A lock of one process; after a power failure nobody holds it any more.</summary>
    private sealed class MemoryLock(MemoryFileSystem owner, (int Generation, string Path) key) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._locks.Remove(key);
            }
        }
    }

    /// <summary>Operations since the last <see cref="FailPowerAt"/> or <see cref="Restart"/>.</summary>
    public int Operations => _operations;

    /// <summary>Whether the power has failed.</summary>
    public bool PowerHasFailed { get; private set; }

    /// <summary>Everything that counts as open: handles that were not disposed.</summary>
    public int OpenHandles { get; private set; }

    /// <summary>The paths of all files, in order.</summary>
    public IReadOnlyList<string> AllFiles
    {
        get
        {
            lock (_gate)
            {
                return [.. _folders
                    .SelectMany(folder => folder.Value.Names.Keys.Select(name => Path.Combine(folder.Key, name)))
                    .Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Lets the power fail at the n-th operation from now, counted from 1.</summary>
    public void FailPowerAt(int operation) => (_operations, _failPowerAt) = (0, operation);

    /// <summary>Brings back what had reached the disk.</summary>
    /// <param name="loss">What has reached the disk of that which was not made durable.</param>
    /// <param name="seed">Decides for <see cref="PowerLoss.Mixed"/> and <see cref="PowerLoss.Unordered"/>.</param>
    public void Restart(PowerLoss loss, int seed = 0)
    {
        lock (_gate)
        {
            var random = new Random(seed);
            foreach (var folder in _folders.Values)
            {
                folder.LosePower(loss, random);
            }

            (_operations, _failPowerAt, PowerHasFailed, OpenHandles) = (0, null, false, 0);
            _generation++;
        }
    }

    /// <summary>The content of a file.</summary>
    public byte[] ReadAllBytes(string path)
    {
        using var file = Open(path, FileMode.Open, FileAccess.Read);
        var content = new byte[file.Length];
        file.Read(0, content);
        return content;
    }

    /// <summary>Writes a file and makes it durable.</summary>
    public void WriteAllBytes(string path, ReadOnlySpan<byte> content)
    {
        CreateDirectory(Path.GetDirectoryName(path)!);
        using (var file = Open(path, FileMode.Create, FileAccess.ReadWrite))
        {
            file.Write(0, content);
            file.Sync();
        }

        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <inheritdoc/>
    public IFile Open(string path, FileMode mode, FileAccess access, FileRights? rights = null)
    {
        lock (_gate)
        {
            Step();
            var folder = FindFolder(path) ?? throw new DirectoryNotFoundException($"Could not find a part of the path '{path}'.");
            if (_folders.ContainsKey(path))
            {
                throw new UnauthorizedAccessException($"Access to the path '{path}' is denied.");
            }

            var name = Path.GetFileName(path);
            var exists = folder.Names.TryGetValue(name, out var found);
            if (exists && mode == FileMode.CreateNew)
            {
                throw new IOException($"The file '{path}' already exists.");
            }

            if (!exists && mode is FileMode.Open or FileMode.Truncate)
            {
                throw new FileNotFoundException($"Could not find file '{path}'.");
            }

            var inode = found ?? new Inode();
            if (!exists)
            {
                folder.Change((name, inode));
            }
            else if (mode is FileMode.Create or FileMode.Truncate)
            {
                inode.SetLength(0);
            }

            inode.Handles++;
            OpenHandles++;
            return new MemoryFile(this, inode, access, _generation);
        }
    }

    /// <inheritdoc/>
    public void Move(string source, string destination)
    {
        lock (_gate)
        {
            Step();
            var from = FindFolder(source);
            var to = FindFolder(destination) ?? throw new DirectoryNotFoundException($"Could not find a part of the path '{destination}'.");
            if (from is null || !from.Names.TryGetValue(Path.GetFileName(source), out var inode))
            {
                throw new FileNotFoundException($"Could not find file '{source}'.");
            }

            if (ReferenceEquals(from, to))
            {
                to.Change((Path.GetFileName(source), null), (Path.GetFileName(destination), inode));
            }
            else
            {
                to.Change((Path.GetFileName(destination), inode));
                from.Change((Path.GetFileName(source), null));
            }
        }
    }

    /// <inheritdoc/>
    public bool TryMoveNew(string source, string destination)
    {
        lock (_gate)
        {
            Step();
            var from = FindFolder(source);
            var to = FindFolder(destination) ?? throw new DirectoryNotFoundException($"Could not find a part of the path '{destination}'.");
            if (from is null || !from.Names.TryGetValue(Path.GetFileName(source), out var inode))
            {
                throw new FileNotFoundException($"Could not find file '{source}'.");
            }

            if (to.Names.ContainsKey(Path.GetFileName(destination)))
            {
                return false;
            }

            // As a file system without a rename that refuses: a second name, then the first one goes.
            to.Change((Path.GetFileName(destination), inode));
            from.Change((Path.GetFileName(source), null));
            return true;
        }
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        lock (_gate)
        {
            Step();
            if (FindFolder(path) is { } folder && folder.Names.ContainsKey(Path.GetFileName(path)))
            {
                folder.Change((Path.GetFileName(path), null));
            }
        }
    }

    /// <inheritdoc/>
    public bool TryDeleteUnused(string path)
    {
        lock (_gate)
        {
            Step();
            if (FindFolder(path) is not { } folder || !folder.Names.TryGetValue(Path.GetFileName(path), out var inode))
            {
                return true;
            }

            if (inode.Handles > 0)
            {
                return false;
            }

            folder.Change((Path.GetFileName(path), null));
            return true;
        }
    }

    /// <inheritdoc/>
    public IDisposable? TryLock(string path)
    {
        lock (_gate)
        {
            return _locks.Add((_generation, path)) ? new MemoryLock(this, (_generation, path)) : null;
        }
    }

    /// <inheritdoc/>
    public bool FileExists(string path)
    {
        lock (_gate)
        {
            Step();
            return FindFolder(path)?.Names.ContainsKey(Path.GetFileName(path)) ?? false;
        }
    }

    /// <inheritdoc/>
    public bool DirectoryExists(string path)
    {
        lock (_gate)
        {
            Step();
            return _folders.ContainsKey(path);
        }
    }

    /// <inheritdoc/>
    public void CreateDirectory(string path, FileRights? rights = null)
    {
        lock (_gate)
        {
            Step();
            for (var folder = path; !_folders.ContainsKey(folder); folder = Path.GetDirectoryName(folder)!)
            {
                if (FindFolder(folder)?.Names.ContainsKey(Path.GetFileName(folder)) ?? false)
                {
                    throw new IOException($"The file '{folder}' already exists.");
                }

                _folders.Add(folder, new Folder());
            }
        }
    }

    /// <inheritdoc/>
    public void DeleteEmptyDirectory(string path)
    {
        lock (_gate)
        {
            Step();
            if (_folders.TryGetValue(path, out var folder) && folder.Names.Count > 0)
            {
                throw new IOException($"Directory not empty : '{path}'");
            }

            _folders.Remove(path);
        }
    }

    /// <inheritdoc/>
    public FileFacts? TryGetFacts(string path)
    {
        lock (_gate)
        {
            Step();
            return FindFolder(path) is { } folder && folder.Names.TryGetValue(Path.GetFileName(path), out var inode)
                ? new FileFacts(inode.Length, inode.Modified)
                : null;
        }
    }

    /// <summary>Null: no database lies in memory.</summary>
    public FileStamp? TryGetStamp(string path) => null;

    /// <summary>Rights have no meaning in memory.</summary>
    public FileStatus? TryGetStatus(string path)
    {
        lock (_gate)
        {
            return _folders.ContainsKey(path) ? new FileStatus(FileKind.Folder, null)
                : FindFolder(path)?.Names.ContainsKey(Path.GetFileName(path)) ?? false ? new FileStatus(FileKind.File, null)
                : null;
        }
    }

    /// <summary>There are no other processes.</summary>
    public FileUse? TryFindUse(string path, long lockOffset, long lockLength) => null;

    /// <summary>There are no links.</summary>
    public string FinalPath(string path) => path;

    /// <inheritdoc/>
    public void SetModified(string path, DateTimeOffset modified)
    {
        lock (_gate)
        {
            Step();
            if (FindFolder(path) is not { } folder || !folder.Names.TryGetValue(Path.GetFileName(path), out var inode))
            {
                throw new FileNotFoundException($"Could not find file '{path}'.");
            }

            inode.Modified = modified;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string directory)
    {
        lock (_gate)
        {
            Step();
            return _folders.TryGetValue(directory, out var folder) ? [.. folder.Names.Keys] : [];
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories(string directory)
    {
        lock (_gate)
        {
            Step();
            return [.. _folders.Keys.Where(path => Path.GetDirectoryName(path) == directory).Select(path => Path.GetFileName(path))];
        }
    }

    /// <inheritdoc/>
    public IFileWatch Watch() => new SilentFileWatch();

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        lock (_gate)
        {
            Step();
            if (!_folders.TryGetValue(path, out var folder))
            {
                throw new IOException($"Cannot open the folder {path}.");
            }

            folder.Sync();
        }
    }

    private Folder? FindFolder(string path) => _folders.GetValueOrDefault(Path.GetDirectoryName(path) ?? "");

    private void Step()
    {
        _operations++;
        if (PowerHasFailed || _operations == _failPowerAt)
        {
            PowerHasFailed = true;
            throw new IOException("The power has failed.");
        }
    }

    private sealed class Folder
    {
        private readonly List<(string Name, Inode? Inode)[]> _pending = [];
        private Dictionary<string, Inode> _durable = [];

        public Dictionary<string, Inode> Names { get; private set; } = [];

        public void Change(params (string Name, Inode? Inode)[] changes)
        {
            Apply(Names, changes);
            _pending.Add(changes);
        }

        public void Sync()
        {
            _durable = new Dictionary<string, Inode>(Names);
            _pending.Clear();
        }

        public void LosePower(PowerLoss loss, Random random)
        {
            var surviving = loss switch
            {
                PowerLoss.Everything or PowerLoss.Names => [],
                PowerLoss.Contents => _pending,
                PowerLoss.Mixed => _pending.Take(random.Next(_pending.Count + 1)),
                _ => _pending.Where(_ => random.Next(2) == 0),
            };
            foreach (var changes in surviving)
            {
                Apply(_durable, changes);
            }

            foreach (var inode in Names.Values.Concat(_durable.Values).Distinct())
            {
                inode.LosePower(loss, random);
            }

            Names = new Dictionary<string, Inode>(_durable);
            _pending.Clear();
        }

        private static void Apply(Dictionary<string, Inode> names, (string Name, Inode? Inode)[] changes)
        {
            foreach (var (name, inode) in changes)
            {
                if (inode is null)
                {
                    names.Remove(name);
                }
                else
                {
                    names[name] = inode;
                }
            }
        }
    }

    private sealed class Inode
    {
        private byte[] _content = [];
        private byte[] _durable = [];
        private DateTimeOffset _durableModified;

        public int Handles { get; set; }

        public int Length { get; private set; }

        public DateTimeOffset Modified { get; set; }

        public int Read(long offset, Span<byte> destination)
        {
            var count = (int)Math.Clamp(Length - offset, 0, destination.Length);
            _content.AsSpan((int)Math.Min(offset, Length), count).CopyTo(destination);
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            SetLength(Math.Max(Length, offset + source.Length));
            source.CopyTo(_content.AsSpan((int)offset));
        }

        public void SetLength(long length)
        {
            if (length > _content.Length)
            {
                Array.Resize(ref _content, (int)Math.Max(length, 2L * _content.Length));
            }

            if (length < Length)
            {
                _content.AsSpan((int)length, Length - (int)length).Clear();
            }

            Length = (int)length;
        }

        public void Sync() => (_durable, _durableModified) = (_content[..Length], Modified);

        public void LosePower(PowerLoss loss, Random random)
        {
            var isRandom = loss is PowerLoss.Mixed or PowerLoss.Unordered;
            var keepsContent = loss == PowerLoss.Names || (isRandom && random.Next(3) == 0);
            if (!keepsContent)
            {
                var isTorn = isRandom && random.Next(2) == 0;
                var kept = isTorn ? random.Next(Length + 1) : 0;
                var torn = _content[..kept];
                (_content, Length, Modified) = ([.. _durable], _durable.Length, _durableModified);
                Write(0, torn);
            }

            Handles = 0;
            Sync();
        }
    }

    private sealed class MemoryFile(MemoryFileSystem owner, Inode inode, FileAccess access, int generation) : IFile
    {
        private bool _isDisposed;

        public long Length
        {
            get
            {
                lock (owner._gate)
                {
                    Enter(FileAccess.Read, counts: false);
                    return inode.Length;
                }
            }
        }

        public int Read(long offset, Span<byte> destination)
        {
            lock (owner._gate)
            {
                Enter(FileAccess.Read);
                return inode.Read(offset, destination);
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            lock (owner._gate)
            {
                Enter(FileAccess.Write);
                inode.Write(offset, source);
            }
        }

        public void SetLength(long length)
        {
            lock (owner._gate)
            {
                Enter(FileAccess.Write);
                inode.SetLength(length);
            }
        }

        public void Sync()
        {
            lock (owner._gate)
            {
                Enter(FileAccess.Read);
                inode.Sync();
            }
        }

        /// <summary>Always true: there is one program.</summary>
        public bool TryLockRange(long offset, long length, bool isShared)
        {
            lock (owner._gate)
            {
                Enter(FileAccess.Write);
                return true;
            }
        }

        public void UnlockRange(long offset, long length)
        {
        }

        public void Dispose()
        {
            lock (owner._gate)
            {
                if (!_isDisposed && generation == owner._generation)
                {
                    inode.Handles--;
                    owner.OpenHandles--;
                }

                _isDisposed = true;
            }
        }

        private void Enter(FileAccess needed, bool counts = true)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (generation != owner._generation)
            {
                throw new IOException("The machine was restarted since this file was opened.");
            }

            if ((access & needed) == 0)
            {
                throw new UnauthorizedAccessException("The file was not opened for that.");
            }

            if (counts)
            {
                owner.Step();
            }
        }
    }
}
