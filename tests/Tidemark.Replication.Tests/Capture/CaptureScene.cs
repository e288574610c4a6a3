using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Images;
using Tidemark.Replication.Upload;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

/// <summary>A source database, its capture and one destination in memory. Every capture remembers what SQLite said the database
/// was.</summary>
internal sealed class CaptureScene : IDisposable
{
    private readonly Dictionary<Txid, byte[]> _expected = [];

    public CaptureScene(int pageSize = 4096, long captureBytesMax = 64 << 20, bool create = true, bool incrementalVacuum = false, bool hasProcessToItself = false)
    {
        (CaptureBytesMax, HasProcessToItself) = (captureBytesMax, hasProcessToItself);
        if (create)
        {
            Source = SourceDatabase.Open(DatabasePath, pageSize, incrementalVacuum: incrementalVacuum);
            Source.CreateTable();
        }

        Start();
    }

    public TemporaryFolder Folder { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public string DatabasePath => Folder["app.db"];

    public string SpoolPath => Folder[".app.db-tidemark"];

    public long CaptureBytesMax { get; }

    public SourceDatabase Source { get; set; } = null!;

    public bool HasProcessToItself { get; }

    /// <summary>What something other than SQLite has done to the files, and what became of their WAL.</summary>
    public List<(ForeignChange Change, AbandonedWal Wal)> Abandoned { get; } = [];

    public IFileSystem Files { get; set; } = PhysicalFileSystem.Instance;

    /// <summary>Whether a person says, from the next start on, that a destination which has lost what it held is gone on with.</summary>
    public bool Refills { get; set; }

    public MemoryStore Store { get; private set; } = new();

    public Spool Spool { get; private set; } = null!;

    public CapturedDatabase Database { get; private set; } = null!;

    public UploadStep Upload { get; private set; } = null!;

    public Position Position => Database.Position!;

    /// <summary>Opens everything anew from what lies on disk, as after the start of the process.</summary>
    public void Start()
    {
        Spool = Spool.Open(Files, Spool.DefaultPath(Files, DatabasePath));
        Database = new CapturedDatabase(
            DatabasePath,
            Spool,
            Files,
            Time,
            new CaptureSettings(CaptureBytesMax, TimeSpan.FromMilliseconds(50), 2) { HasProcessToItself = HasProcessToItself })
        {
            Abandoned = (change, wal) => Abandoned.Add((change, wal)),
        };
        Upload = new UploadStep(Store, Spool, new ClaimStep(Store, Database.Lineage, Time, TimeSpan.FromSeconds(30))) { Refills = Refills };
    }

    /// <summary>Ends the connections, with no farewell to the spool: what a kill leaves.</summary>
    public void Stop() => Database.Dispose();

    public void Restart()
    {
        Stop();
        Start();
    }

    public void LoseSpool() => Directory.Delete(SpoolPath, recursive: true);

    /// <summary>Starts anew without the checksums of the pages, so that the next capture does not know what they were.</summary>
    /// <param name="distrusts">Whether it cannot go on in the WAL either, as after a loss of power.</param>
    public void LosePageChecksums(bool distrusts)
    {
        Stop();
        File.Delete(Path.Combine(SpoolPath, "pages"));
        Start();
        if (distrusts)
        {
            Database.Distrust();
        }
    }

    public void LoseReplica() => Store = new MemoryStore();

    /// <summary>Captures until nothing is left and notes the state.</summary>
    public CaptureResult Capture()
    {
        CaptureResult result;
        do
        {
            result = CaptureStep.Run(Database);
        }
        while (result.HasMore);

        Note();
        return result;
    }

    public CheckpointResult Seal()
    {
        Capture();
        var result = new CheckpointStep(Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Seal);
        Note();
        return result;
    }

    /// <summary>The source is now what the newest TXID must restore to.</summary>
    public void Note()
    {
        if (Database.Position is { } position)
        {
            _expected[position.Txid] = Source.Serialize();
        }
    }

    /// <summary>Takes the base of the next capture from the destination, if the spool does not know it.</summary>
    public async Task<ReplicaState?> ReadBaseAsync()
        => CaptureStep.FindWantOfBase(Database) is { } pageSize
            ? await BaseStep.RunAsync(Database, pageSize, Upload, progress: null, TestContext.Current.CancellationToken)
            : null;

    /// <summary>Ends in order, with the file left alone for a tick of the system's clock.</summary>
    public void End()
    {
        var prepared = EndStep.Prepare(Database);
        if (prepared is not null)
        {
            WaitForTick(prepared.Stamp.ChangedNs);
        }

        EndStep.Complete(Database, prepared);
    }

    /// <summary>Waits until what is written gets a later time than this.</summary>
    public void WaitForTick(long changedNs)
    {
        do
        {
            using var file = PhysicalFileSystem.Instance.Open(Folder["tick"], FileMode.Create, FileAccess.Write);
            file.Write(0, "x"u8);
        }
        while (Files.TryGetStamp(Folder["tick"])!.Value.ChangedNs <= changedNs);
    }

    public async Task ReconcileAsync()
    {
        if (await Upload.ReconcileAsync(TestContext.Current.CancellationToken) is { } head)
        {
            Database.NoteReplica(head.Txid, head.PageSize);
        }
    }

    public async Task ShipAsync()
    {
        if (!Upload.IsReconciled)
        {
            await ReconcileAsync();
        }

        UploadResult result;
        do
        {
            result = await Upload.RunAsync(Position.Txid, TestContext.Current.CancellationToken);
            Assert.NotEqual(UploadOutcome.NeedsImage, result.Outcome);
        }
        while (result.Outcome == UploadOutcome.Uploaded);

        Upload.Remember(Time.GetUtcNow());
    }

    /// <summary>Ships, and restores every TXID whose state was noted.</summary>
    public async Task AssertAllRestoreAsync()
    {
        await ShipAsync();
        foreach (var (txid, expected) in _expected)
        {
            var restored = await NaiveRestore.RunAsync(Store, txid, TestContext.Current.CancellationToken);
            AssertSamePages(expected, restored, txid);
        }
    }

    /// <summary>Ships, with images if the destination needs them.</summary>
    public async Task ShipWithImagesAsync()
    {
        UploadResult result;
        while ((result = await Upload.RunAsync(Position.Txid, TestContext.Current.CancellationToken)).Outcome != UploadOutcome.Idle)
        {
            if (result.Outcome == UploadOutcome.NeedsImage)
            {
                Assert.NotNull(FullImageStep.Run(Database, result.Image!.From));
            }
        }
    }

    /// <summary>Ships, with images if the destination needs them, and restores the newest TXID.</summary>
    public async Task AssertNewestRestoresAsync()
    {
        await ShipWithImagesAsync();
        var restored = await NaiveRestore.RunAsync(Store, Position.Txid, TestContext.Current.CancellationToken);
        AssertSamePages(Source.Serialize(), restored, Position.Txid);
    }

    /// <summary>Ships, and restores the newest TXID with every check that a restore makes.</summary>
    public async Task AssertNewestIsProvenAsync()
    {
        await ShipAsync();
        var result = await new RestoreStep(Store, PhysicalFileSystem.Instance, TimeProvider.System).RunAsync(
            new RestoreTarget.AtTxid(Position.Txid),
            new RestoreOptions { OutputPath = Folder[$"restored-{Guid.NewGuid()}.db"] },
            TestContext.Current.CancellationToken);
        Assert.True(result.IsProven);
        await AssertNewestRestoresAsync();
    }

    public async Task<LtxHeader> ReadHeaderAsync(Txid txid)
    {
        await using var content = Spool.OpenRead(new(Replicas.Catalog.Level.Captured, new LtxFileName(txid, txid)));
        using var reader = new LtxReader(content, "spool");
        return await reader.ReadHeaderAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        Database.Dispose();
        Source?.Dispose();
        Folder.Dispose();
    }

    private void AssertSamePages(byte[] expected, byte[] actual, Txid txid)
    {
        Assert.True(expected.Length == actual.Length, $"TXID {txid}: {actual.Length} bytes instead of {expected.Length}");
        var pageSize = Position.PageSize.Bytes;
        for (var offset = 0; offset < expected.Length; offset += pageSize)
        {
            var isSame = expected.AsSpan(offset, pageSize).SequenceEqual(actual.AsSpan(offset, pageSize));
            Assert.True(isSame, $"TXID {txid}: page {(offset / pageSize) + 1} of {expected.Length / pageSize} differs");
        }
    }
}
