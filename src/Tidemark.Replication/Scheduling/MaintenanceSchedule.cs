using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>What is due of compaction, snapshots and retention at one destination: by the clock (<see cref="MaintenanceClock"/>), and only
/// where the files have changed since there was nothing to do.</summary>
/// <param name="options">The intervals.</param>
/// <param name="upload">Knows what the destination holds.</param>
internal sealed class MaintenanceSchedule(DatabaseOptions options, UploadStep upload)
{
    private readonly DateTimeOffset?[] _lastCompactions = new DateTimeOffset?[options.CompactionIntervals.Count];
    private DateTimeOffset? _lastSnapshot;
    private DateTimeOffset? _lastRetention;
    private DateTimeOffset _retentionRecheckAt;
    private (ReplicaCatalog Catalog, long Version)? _retained;
    private (ReplicaCatalog Catalog, long Version)? _compacted;

    /// <summary>The levels that are compacted, lowest first.</summary>
    public IEnumerable<Level> Levels => Enumerable.Range(1, _lastCompactions.Length).Select(level => new Level(level));

    /// <summary>Whether anything is due.</summary>
    public bool IsAnythingDue(ReplicaCatalog catalog, DateTimeOffset now)
        => IsCompactionDue(catalog, now) || IsSnapshotDue(catalog, now) || IsRetentionDue(catalog, now);

    /// <summary>Whether a level is due by the clock.</summary>
    public bool IsLevelDue(Level level, DateTimeOffset now) => IsLevelDue(level.Value - 1, now);

    /// <summary>Whether a snapshot is due, and would hold more than the newest one.</summary>
    public bool IsSnapshotDue(ReplicaCatalog catalog, DateTimeOffset now)
    {
        var newest = catalog.NewestAt(Level.Snapshots);
        var last = newest?.Created > _lastSnapshot || _lastSnapshot is null ? newest?.Created : _lastSnapshot;
        return MaintenanceClock.IsDue(options.SnapshotInterval, last, now)
            && upload.Shipped > (newest?.MaxTxid ?? Txid.None)
            && upload.Requested is null;
    }

    /// <summary>Whether retention is due.</summary>
    public bool IsRetentionDue(ReplicaCatalog catalog, DateTimeOffset now)
        => options.IsRetentionEnabled
            && ((catalog, catalog.Version) != _retained || now >= _retentionRecheckAt)
            && MaintenanceClock.IsDue(options.L0RetentionCheckInterval, _lastRetention, now);

    /// <summary>A level was compacted.</summary>
    public void NoteCompaction(Level level, DateTimeOffset now) => _lastCompactions[level.Value - 1] = now;

    /// <summary>A snapshot was composed, or there was nothing to compose.</summary>
    public void NoteSnapshot(DateTimeOffset now) => _lastSnapshot = now;

    /// <summary>Retention has run.</summary>
    public void NoteRetention(DateTimeOffset now) => _lastRetention = now;

    /// <summary>No level has anything to compact until the files are others than those of this version.</summary>
    public void NoteNothingToCompact(ReplicaCatalog catalog, long version) => _compacted = (catalog, version);

    /// <summary>Nothing has to be deleted until the files change, or a moment has come.</summary>
    public void NoteNothingToDelete(ReplicaCatalog catalog, DateTimeOffset? recheckAt)
        => (_retained, _retentionRecheckAt) = ((catalog, catalog.Version), recheckAt ?? DateTimeOffset.MaxValue);

    private bool IsCompactionDue(ReplicaCatalog catalog, DateTimeOffset now)
    {
        if ((catalog, catalog.Version) == _compacted)
        {
            return false;
        }

        for (var i = 0; i < _lastCompactions.Length; i++)
        {
            if (IsLevelDue(i, now))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsLevelDue(int index, DateTimeOffset now)
        => MaintenanceClock.IsDue(options.CompactionIntervals[index], _lastCompactions[index], now);
}
