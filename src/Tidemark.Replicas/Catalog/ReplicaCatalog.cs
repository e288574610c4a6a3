namespace Tidemark.Replicas.Catalog;

/// <summary>What there is in one replica, kept in memory by the process that writes it, so that nothing has to be listed in the steady
/// state.</summary>
/// <remarks>
/// Right as long as nobody else writes there and every change is told to it; read anew from a listing at the start and after a failure
/// that leaves in doubt what happened. Thread-safe: shipping, compaction and retention of one replica share it.
/// </remarks>
public sealed class ReplicaCatalog
{
    private static readonly Comparer<LtxFileInfo> s_byName = Comparer<LtxFileInfo>.Create((a, b) => a.Key.Name.CompareTo(b.Key.Name));

    private static long s_versions;

    private readonly Lock _gate = new();
    private readonly SortedSet<LtxFileInfo>[] _levels;

    /// <summary>Begins with what a listing told.</summary>
    /// <param name="files">The files of all levels, in any order.</param>
    public ReplicaCatalog(IEnumerable<LtxFileInfo> files)
    {
        _levels = [.. Level.All.Select(_ => new SortedSet<LtxFileInfo>(s_byName))];
        foreach (var file in files)
        {
            _levels[file.Level.Value].Add(file);
        }
    }

    /// <summary>Goes up with every change, so that what was derived from the files can be kept until then. No two catalogues ever have the
    /// same.</summary>
    public long Version { get; private set; } = Interlocked.Increment(ref s_versions);

    /// <summary>All files, by ascending level, then by name: a copy.</summary>
    public IReadOnlyList<LtxFileInfo> Files
    {
        get
        {
            lock (_gate)
            {
                return [.. _levels.SelectMany(level => level)];
            }
        }
    }

    /// <summary>The files of one level, by name: a copy.</summary>
    public IReadOnlyList<LtxFileInfo> At(Level level)
    {
        lock (_gate)
        {
            return [.. _levels[level.Value]];
        }
    }

    /// <summary>The last file of a level by name, or null when there is none.</summary>
    public LtxFileInfo? NewestAt(Level level)
    {
        lock (_gate)
        {
            return _levels[level.Value] is { Count: > 0 } files ? files.Max : null;
        }
    }

    /// <summary>A file was written, or written anew.</summary>
    public void Add(LtxFileInfo file)
    {
        lock (_gate)
        {
            _levels[file.Level.Value].Remove(file);
            _levels[file.Level.Value].Add(file);
            Version = Interlocked.Increment(ref s_versions);
        }
    }

    /// <summary>A file was deleted.</summary>
    public void Remove(LtxFileKey key)
    {
        lock (_gate)
        {
            _levels[key.Level.Value].Remove(new LtxFileInfo(key, 0, default));
            Version = Interlocked.Increment(ref s_versions);
        }
    }
}
