namespace Tidemark.Benchmarks.Workloads;

/// <summary>How many handles a process had open for each database of a <see cref="DatabaseFolder"/>, looked at several times.</summary>
internal sealed class HandleCounts
{
    private readonly Dictionary<string, int> _totals = new(StringComparer.Ordinal);
    private int _looks;

    /// <summary>Counts the handles of one look.</summary>
    /// <param name="targets">The paths that they lead to. Whatever is open for a database has its name in the path: the file itself, what
    /// SQLite keeps beside it, the spool and the replica.</param>
    public void Add(IEnumerable<string> targets)
    {
        _looks++;
        foreach (var name in targets.Select(DatabaseFolder.NameIn).OfType<string>())
        {
            _totals[name] = _totals.GetValueOrDefault(name) + 1;
        }
    }

    /// <summary>The mean of all looks for one database.</summary>
    public double Mean(string path) => (double)_totals.GetValueOrDefault(Path.GetFileName(path)) / _looks;
}
