using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;
using Tidemark.Testing;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>Replicates a database into a folder and restores from there, as the program does.</summary>
/// <param name="databasePath">The database.</param>
/// <param name="replicaPath">The folder of the replica.</param>
internal sealed class DatabaseReplication(string databasePath, string replicaPath)
{
    // Another one each time, as each run of the program has.
    private LocalStore Store => new(replicaPath, PhysicalFileSystem.Instance);

    public string ReplicaPath => replicaPath;

    /// <summary>Captures and ships everything that is there, and returns the newest TXID.</summary>
    /// <param name="refills">Whether a destination that has lost what it held is gone on with.</param>
    public async Task<Txid> RunOnceAsync(bool refills = false)
    {
        var options = new DatabaseOptions { DatabasePath = databasePath, Destinations = [Store], RefillsDestinations = refills };
        var replicator = new Replicator([options], PhysicalFileSystem.Instance, TimeProvider.System, NullLoggerFactory.Instance);
        await replicator.RunOnceAsync(TestContext.Current.CancellationToken);
        var listing = await ReplicaListing.ReadAllAsync(Store, TestContext.Current.CancellationToken);
        return RestorePlan.From(listing, new RestoreTarget.Latest()).MaxTxid;
    }

    /// <summary>Restores to a file.</summary>
    public async Task<RestoreResult> RestoreToAsync(string outputPath, Txid? txid = null)
    {
        RestoreTarget target = txid is { } exact ? new RestoreTarget.AtTxid(exact) : new RestoreTarget.Latest();
        return await new RestoreStep(Store, PhysicalFileSystem.Instance, TimeProvider.System)
            .RunAsync(target, new RestoreOptions { OutputPath = outputPath }, TestContext.Current.CancellationToken);
    }

    /// <summary>Restores to bytes.</summary>
    public async Task<byte[]> RestoreAsync(Txid? txid = null)
    {
        using var folder = new TemporaryFolder();
        await RestoreToAsync(folder["out.db"], txid);
        return PlainFile.Read(folder["out.db"]);
    }
}
