using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Tests.Restore;

namespace Tidemark.Replicas.Tests.Retention;

/// <summary>What becomes of the files of a replica over time, as names and times alone.</summary>
internal sealed class ReplicaLife
{
    private readonly List<LtxFileInfo> _files = [];

    public IReadOnlyList<LtxFileInfo> Files => _files;

    /// <summary>The clock, in seconds. It may be set back.</summary>
    public int Seconds { get; set; } = 100_000;

    public DateTimeOffset Now => History.TimeOf(Seconds);

    /// <summary>The last TXID.</summary>
    public ulong Last { get; private set; }

    private int LastSeconds { get; set; }

    /// <summary>One capture, or an image that fills a gap: as many TXIDs in one file.</summary>
    public void Capture(ulong txids = 1)
    {
        Add(0, Last + 1, Last + txids, Seconds);
        Last += txids;
        LastSeconds = Seconds;
    }

    /// <summary>TXIDs that nothing holds.</summary>
    public void Skip(ulong txids) => Last += txids;

    /// <summary>Gathers what the level below has beyond this level, up to a hole, as a compaction does. Its time is that of its last
    /// capture.</summary>
    public void Compact(int level, int filesMax = int.MaxValue)
    {
        var reached = _files.Where(file => file.Level.Value == level).Select(file => file.MaxTxid.Value).DefaultIfEmpty().Max();
        var sources = new List<LtxFileInfo>();
        foreach (var file in _files
            .Where(file => file.Level.Value == level - 1 && file.MinTxid.Value > reached)
            .OrderBy(file => file.MinTxid)
            .Take(filesMax))
        {
            if (sources.Count > 0 && file.MinTxid.Value != sources[^1].MaxTxid.Value + 1)
            {
                break;
            }

            sources.Add(file);
        }

        if (sources.Count > 0)
        {
            _files.Add(Listing.File(level, sources[0].MinTxid.Value, sources[^1].MaxTxid.Value, 0) with { Created = sources[^1].Created });
        }
    }

    public void Snapshot()
    {
        if (Last > 0 && !_files.Any(file => file.Level == Level.Snapshots && file.MaxTxid.Value == Last))
        {
            Add(9, 1, Last, LastSeconds);
        }
    }

    public void Add(int level, ulong min, ulong max, int seconds)
    {
        var file = Listing.File(level, min, max, seconds);
        _files.RemoveAll(other => other.Key == file.Key);
        _files.Add(file);
    }

    public void Lose(int index)
    {
        if (_files.Count > 0)
        {
            _files.RemoveAt(index % _files.Count);
        }
    }

    public RetentionPlan Retain(RetentionOptions options)
    {
        var plan = RetentionPlan.From(_files, Now, options);
        _files.RemoveAll(plan.Deletions.Contains);
        return plan;
    }
}
