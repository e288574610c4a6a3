using System.Diagnostics.Metrics;

namespace Tidemark.Replication.Health;

/// <summary>The instruments of replication, on the meter <see cref="MeterName"/>. Recorded at the edges of the steps.</summary>
/// <remarks>
/// <para>Every value carries the tag <c>database</c> (its path), and those of destinations <c>destination</c> (its URL without secrets). The
/// gauges are computed only while somebody listens.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public sealed class ReplicationMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Tidemark.Replication";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _captures;
    private readonly Counter<long> _capturedPages;
    private readonly Counter<long> _captureFailures;
    private readonly Histogram<double> _captureSeconds;
    private readonly Counter<long> _checkpoints;
    private readonly Histogram<double> _writerStallSeconds;
    private readonly Counter<long> _shippedFiles;
    private readonly Counter<long> _shippedBytes;
    private readonly Counter<long> _shippingFailures;
    private readonly Counter<long> _compactions;
    private readonly Counter<long> _compactedBytes;
    private readonly Counter<long> _maintenanceFailures;
    private readonly Counter<long> _deletedFiles;
    private readonly Counter<long> _audits;
    private readonly Counter<long> _auditedPages;
    private readonly Counter<long> _auditDifferences;
    private readonly Counter<long> _auditFailures;

    /// <summary>Makes the instruments.</summary>
    /// <param name="status">Tells how all databases stand; asked by the gauges.</param>
    internal ReplicationMetrics(Func<IEnumerable<DatabaseStatus>> status)
    {
        _captures = _meter.CreateCounter<long>("tidemark.captures", "{capture}", "Captures: one TXID each");
        _capturedPages = _meter.CreateCounter<long>("tidemark.captured.pages", "{page}", "Pages in captures");
        _captureFailures = _meter.CreateCounter<long>("tidemark.capture.failures", "{failure}", "Captures that failed and are tried again");
        _captureSeconds = _meter.CreateHistogram<double>("tidemark.capture.duration", "s", "How long a look with its captures took");
        _checkpoints = _meter.CreateCounter<long>("tidemark.checkpoints", "{checkpoint}", "Checkpoints that were run");
        _writerStallSeconds = _meter.CreateHistogram<double>("tidemark.writer.stall", "s", "How long a seal held the write lock");
        _shippedFiles = _meter.CreateCounter<long>("tidemark.shipped.files", "{file}", "Files shipped to destinations");
        _shippedBytes = _meter.CreateCounter<long>("tidemark.shipped.bytes", "By", "Bytes shipped to destinations");
        _shippingFailures = _meter.CreateCounter<long>("tidemark.shipping.failures", "{failure}", "Requests that failed and are tried again");
        _compactions = _meter.CreateCounter<long>("tidemark.compactions", "{file}", "Files written by compaction, snapshots included");
        _compactedBytes = _meter.CreateCounter<long>("tidemark.compacted.bytes", "By", "Bytes written by compaction, snapshots included");
        _maintenanceFailures = _meter.CreateCounter<long>(
            "tidemark.maintenance.failures", "{failure}", "Compactions, snapshots and deletions that failed");
        _deletedFiles = _meter.CreateCounter<long>("tidemark.deleted.files", "{file}", "Files that retention deleted");
        _audits = _meter.CreateCounter<long>("tidemark.audits", "{audit}", "Audits that came to their end");
        _auditedPages = _meter.CreateCounter<long>("tidemark.audited.pages", "{page}", "Pages that audits have read");
        _auditDifferences = _meter.CreateCounter<long>("tidemark.audit.differences", "{page}", "Pages that were not what was captured");
        _auditFailures = _meter.CreateCounter<long>("tidemark.audit.failures", "{failure}", "Audits that failed and are tried again");
        CreateGauges(status);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Captured(string database, long pages)
    {
        _captures.Add(1, Tag(database));
        _capturedPages.Add(pages, Tag(database));
    }

    internal void CaptureFailed(string database) => _captureFailures.Add(1, Tag(database));

    internal void Looked(string database, TimeSpan elapsed) => _captureSeconds.Record(elapsed.TotalSeconds, Tag(database));

    internal void Checkpointed(string database, bool isSealed, TimeSpan writeLockHeld)
    {
        _checkpoints.Add(1, Tag(database), new("sealed", isSealed));
        if (writeLockHeld > TimeSpan.Zero)
        {
            _writerStallSeconds.Record(writeLockHeld.TotalSeconds, Tag(database));
        }
    }

    internal void Shipped(string database, string destination, long sizeBytes)
    {
        _shippedFiles.Add(1, Tag(database), Destination(destination));
        _shippedBytes.Add(sizeBytes, Tag(database), Destination(destination));
    }

    internal void ShippingFailed(string database, string destination)
        => _shippingFailures.Add(1, Tag(database), Destination(destination));

    internal void Compacted(string database, string destination, int level, long sizeBytes)
    {
        _compactions.Add(1, Tag(database), Destination(destination), new("level", level));
        _compactedBytes.Add(sizeBytes, Tag(database), Destination(destination), new("level", level));
    }

    internal void MaintenanceFailed(string database, string destination)
        => _maintenanceFailures.Add(1, Tag(database), Destination(destination));

    internal void Deleted(string database, string destination, int count)
        => _deletedFiles.Add(count, Tag(database), Destination(destination));

    internal void Audited(string database, bool isEqual, long differentPages)
    {
        _audits.Add(1, Tag(database), new("equal", isEqual));
        _auditDifferences.Add(differentPages, Tag(database));
    }

    internal void AuditRead(string database, long pages) => _auditedPages.Add(pages, Tag(database));

    internal void AuditFailed(string database) => _auditFailures.Add(1, Tag(database));

    private static KeyValuePair<string, object?> Tag(string database) => new("database", database);

    private static KeyValuePair<string, object?> Destination(string destination) => new("destination", destination);

    private void CreateGauges(Func<IEnumerable<DatabaseStatus>> status)
    {
        OfDatabases("tidemark.txid", "{txid}", "The newest capture", database => (long)database.Captured.Value);
        OfDatabases("tidemark.wal.size", "By", "Size of the WAL", database => database.WalBytes);
        OfDatabases("tidemark.spool.size", "By", "Size of what waits in the spool", database => database.SpoolBytes);
        OfDatabases("tidemark.wal.pinned", "1", "1 while a reader keeps the WAL from starting over", database => database.Pin is null ? 0 : 1);
        OfAudits("tidemark.audit.time", "s", "When the last audit ended, in seconds since 1970",
            audit => audit.Finished.ToUnixTimeSeconds());
        OfAudits("tidemark.audit.equal", "1", "1 if the last audit found every page equal, 0 if not",
            audit => audit.Outcome == AuditOutcome.Equal ? 1 : 0);
        OfDestinations("tidemark.destination.txid", "{txid}", "The newest TXID there", destination => (long)destination.Shipped.Value);
        OfDestinations("tidemark.destination.proven", "{txid}", "The newest TXID that was read back and proven",
            destination => (long)destination.Proven.Value);
        OfDestinations("tidemark.destination.lag.transactions", "{txid}", "Captures that are not there yet",
            destination => (long)destination.LagTransactions);
        OfDestinations("tidemark.destination.lag", "s", "Age of the oldest change that is not there yet",
            destination => destination.Lag.TotalSeconds);

        void OfDatabases(string name, string unit, string description, Func<DatabaseStatus, long> value)
            => _meter.CreateObservableGauge(name, () => status()
                .Select(database => new Measurement<long>(value(database), Tag(database.DatabasePath))), unit, description);

        void OfAudits(string name, string unit, string description, Func<AuditStatus, long> value)
            => _meter.CreateObservableGauge(name, () => status()
                .Where(database => database.Audit is not null)
                .Select(database => new Measurement<long>(value(database.Audit!), Tag(database.DatabasePath))), unit, description);

        void OfDestinations<T>(string name, string unit, string description, Func<DestinationStatus, T> value)
            where T : struct
            => _meter.CreateObservableGauge(name, () => status().SelectMany(database => database.Destinations
                .Select(destination => new Measurement<T>(
                    value(destination), Tag(database.DatabasePath), Destination(destination.Destination)))), unit, description);
    }
}
