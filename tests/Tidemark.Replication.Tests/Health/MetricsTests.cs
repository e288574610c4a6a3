using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Health;

public sealed class MetricsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _recorded = [];
    private readonly MeterListener _listener = new();

    public MetricsTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == ReplicationMetrics.MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    private string DatabasePath => _folder["app.db"];

    public void Dispose()
    {
        _listener.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Everything_that_happens_is_counted_with_its_database_and_destination()
    {
        using var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        source.Insert(10);
        var isDown = false;
        var store = new FaultingStore(new MemoryStore(), _ => Volatile.Read(ref isDown) ? StoreFault.Before : null);
        var options = RunningReplicator.Options(DatabasePath, store) with { CheckpointPages = 1 };
        await using var run = RunningReplicator.Start(options);
        await run.WaitAsync(DatabasePath, status => !status.Destinations[0].Proven.IsNone);
        source.Insert(10);
        var status = await run.WaitUntilShippedAsync(DatabasePath, run.StatusOf(DatabasePath)!.Destinations[0].Proven);
        Volatile.Write(ref isDown, true);
        source.Insert(10);
        await run.WaitAsync(DatabasePath, status => status.Destinations[0].Failure is not null);
        _listener.RecordObservableInstruments();

        Assert.Equal(status.Captured.Value + 1, (ulong)Sum("tidemark.captures", "database"));
        Assert.True(Sum("tidemark.captured.pages", "database") >= Sum("tidemark.captures", "database"));
        Assert.All(Values("tidemark.capture.duration", "database"), value => Assert.True(value >= 0));
        Assert.True(Sum("tidemark.checkpoints", "database", "sealed") >= 1);
        Assert.NotEmpty(Values("tidemark.writer.stall", "database"));
        Assert.Equal(status.Captured.Value, (ulong)Sum("tidemark.shipped.files", "database", "destination"));
        Assert.True(Sum("tidemark.shipped.bytes", "database", "destination") > 0);
        Assert.True(Sum("tidemark.shipping.failures", "database", "destination") >= 1);
        Assert.True(Sum("tidemark.compactions", "database", "destination", "level") >= 1);
        Assert.True(Sum("tidemark.compacted.bytes", "database", "destination", "level") > 0);
        Assert.Equal(status.Captured.Value + 1, (ulong)Last("tidemark.txid", "database"));
        Assert.True(Last("tidemark.wal.size", "database") > 0);
        Assert.True(Last("tidemark.spool.size", "database") > 0);
        Assert.Equal(0, Last("tidemark.wal.pinned", "database"));
        Assert.Equal(status.Captured.Value, (ulong)Last("tidemark.destination.txid", "database", "destination"));
        Assert.True(Last("tidemark.destination.proven", "database", "destination") >= 1);
        Assert.Equal(1, Last("tidemark.destination.lag.transactions", "database", "destination"));
        Assert.True(Last("tidemark.destination.lag", "database", "destination") > 0);
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        => _recorded.Enqueue((instrument.Name, value, new Dictionary<string, object?>(tags.ToArray())));

    private double Sum(string name, params IEnumerable<string> tags) => Values(name, tags).Sum();

    private double Last(string name, params IEnumerable<string> tags) => Values(name, tags)[^1];

    // Runs of other tests record on meters of the same name.
    private double[] Values(string name, params IEnumerable<string> tags)
    {
        var own = _recorded.Where(value => value.Name == name && Equals(value.Tags["database"], DatabasePath)).ToArray();
        Assert.All(own, value => Assert.Equal(tags.Order(), value.Tags.Keys.Order()));
        Assert.True(own.Length > 0, $"{name} was never recorded.");
        return [.. own.Select(value => value.Value)];
    }
}
