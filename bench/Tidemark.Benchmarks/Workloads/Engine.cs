using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Upload;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>The steps of the engine over one database, as the program wires them.</summary>
internal sealed class Engine : IDisposable
{
    private readonly CapturedDatabase _database;
    private readonly Spool _spool;

    public Engine(string databasePath, string spoolPath)
    {
        var defaults = new DatabaseOptions { DatabasePath = databasePath, Destinations = [] };
        _spool = Spool.Open(PhysicalFileSystem.Instance, spoolPath);
        _database = new CapturedDatabase(
            databasePath,
            _spool,
            PhysicalFileSystem.Instance,
            TimeProvider.System,
            new CaptureSettings(defaults.CaptureBytesMax, defaults.BusyTimeout, Environment.ProcessorCount));
    }

    /// <summary>Captures until nothing is left.</summary>
    /// <returns>How many files that took.</returns>
    public int Capture()
    {
        var files = 0;
        bool hasMore;
        do
        {
            var result = CaptureStep.Run(_database);
            files += result.Outcome == CaptureOutcome.Idle ? 0 : 1;
            hasMore = result.HasMore;
        }
        while (hasMore);
        return files;
    }

    /// <summary>Ships everything to a folder.</summary>
    public async Task ShipAsync(string replicaFolder)
    {
        var store = new LocalStore(replicaFolder, PhysicalFileSystem.Instance);
        var claim = new ClaimStep(store, _database.Lineage, TimeProvider.System, TimeSpan.FromSeconds(30));
        var upload = new UploadStep(store, _spool, claim);
        await upload.ReconcileAsync(CancellationToken.None);
        while ((await upload.RunAsync(_database.Position!.Txid, CancellationToken.None)).Outcome == UploadOutcome.Uploaded)
        {
        }
    }

    /// <summary>Copies the WAL into the database file and lets it start over.</summary>
    public void Seal() => new CheckpointStep(_database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Seal);

    /// <summary>Restores the newest state from a folder.</summary>
    public static async Task<RestoreResult> RestoreAsync(string replicaFolder, string output)
        => await new RestoreStep(
            new LocalStore(replicaFolder, PhysicalFileSystem.Instance), PhysicalFileSystem.Instance, TimeProvider.System)
            .RunAsync(new RestoreTarget.Latest(), new RestoreOptions { OutputPath = output }, CancellationToken.None);

    public void Dispose() => _database.Dispose();
}
