using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Tests.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>What retention relies on before it deletes.</summary>
public sealed class RetentionTests : IDisposable
{
    private const int ClockNotBelieved = 2072;

    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    private readonly TemporaryFolder _folder = new();
    private readonly EventLog _events = new();
    private readonly SettableTime _time = new();
    private readonly MemoryStore _store = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string DatabasePath => _folder["app.db"];

    private static OnceOptions Snapshot => new() { ForcesSnapshot = true };

    private static OnceOptions Retention => new() { EnforcesRetention = true };

    public void Dispose()
    {
        _events.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Nothing_that_was_promised_is_deleted_after_a_clock_has_jumped_between_two_runs()
    {
        await WriteSnapshotsAsync();
        var before = await FilesAsync();

        _time.Ahead = 1000 * s_day;
        await OnceAsync(Retention);

        Assert.Equal(before, await FilesAsync());
        Assert.Single(_events.Of(ClockNotBelieved));
    }

    [Fact]
    public async Task A_snapshot_is_read_back_before_what_lies_behind_it_is_deleted_and_mended_when_it_is_damaged()
    {
        await WriteSnapshotsAsync();
        var newest = (await FilesAsync()).Where(file => file.Level == Level.Snapshots).MaxBy(file => file.MaxTxid.Value);
        await DamageAsync(newest);

        await OnceAsync(Retention, retention: TimeSpan.FromTicks(1));

        Assert.Equal(1, await SnapshotsAsync()); // What it could be made again of was still there.
        await AssertIsWholeAsync(newest.Key);
    }

    // Two snapshots, of the first and the last of some captures.
    private async Task WriteSnapshotsAsync()
    {
        using var source = SourceDatabase.Open(DatabasePath);
        source.CreateTable();
        for (var i = 0; i < 2; i++)
        {
            source.Insert(100);
            await OnceAsync(Snapshot);
        }

        Assert.Equal(2, await SnapshotsAsync());
    }

    private async Task<LtxFileInfo[]> FilesAsync()
        => [.. (await ReplicaListing.ReadAllAsync(_store, Token)).OrderBy(file => file.Level).ThenBy(file => file.MaxTxid.Value)];

    private async Task<int> SnapshotsAsync() => (await FilesAsync()).Count(file => file.Level == Level.Snapshots);

    private async Task DamageAsync(LtxFileInfo file)
    {
        var bytes = await ReadAsync(file.Key);
        bytes[bytes.Length / 2] ^= 1;
        await _store.WriteAsync(file.Key, file.Created, new MemoryStream(bytes), Token);
    }

    private async Task AssertIsWholeAsync(LtxFileKey file)
        => await Formats.Ltx.LtxReader.VerifyAsync(new MemoryStream(await ReadAsync(file)), file.ToString(), Token);

    private async Task<byte[]> ReadAsync(LtxFileKey file)
    {
        await using var content = await _store.OpenAsync(file, 0, null, Token);
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, Token);
        return bytes.ToArray();
    }

    private Task OnceAsync(OnceOptions once, TimeSpan? retention = null)
    {
        var options = RunningReplicator.Options(DatabasePath, _store) with
        {
            SnapshotRetention = retention ?? s_day,
            L0Retention = retention ?? TimeSpan.FromMinutes(5),
        };
        return new Replicator([options], PhysicalFileSystem.Instance, _time, _events).RunOnceAsync(once, Token);
    }

    /// <summary>The clock of the system, set by somebody.</summary>
    private sealed class SettableTime : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
