using System.Collections.Concurrent;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>Tells when captures appear in the folder of a replica under their final names.</summary>
internal sealed class ReplicaWatch : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly BlockingCollection<long> _arrivals = [];
    private readonly FileSystemWatcher _watcher;

    /// <summary>Watches from now on; the folder is made if it is not there.</summary>
    public ReplicaWatch(string replicaFolder)
    {
        var folder = Path.Combine(replicaFolder, "ltx", "0");
        Directory.CreateDirectory(folder);
        _watcher = new FileSystemWatcher(folder) { NotifyFilter = NotifyFilters.FileName };
        _watcher.Renamed += (_, change) =>
        {
            var now = TimeProvider.System.GetTimestamp();
            if (change.Name!.EndsWith(".ltx", StringComparison.Ordinal))
            {
                _arrivals.Add(now);
            }
        };
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Waits for the next capture.</summary>
    /// <returns>The timestamp of its arrival.</returns>
    public long Take() => _arrivals.TryTake(out var arrival, s_patience)
        ? arrival
        : throw new InvalidOperationException($"No capture has arrived within {s_patience.TotalSeconds} seconds.");

    public void Dispose()
    {
        _watcher.Dispose();
        _arrivals.Dispose();
    }
}
