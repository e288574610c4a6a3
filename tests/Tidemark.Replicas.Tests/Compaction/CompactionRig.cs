using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Compaction;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Compaction;

/// <summary>A replica in memory, a disk in memory, and the steps over them.</summary>
internal sealed class CompactionRig
{
    public const string Folder = "/work/merges";

    public static readonly Lineage Lineage = new(77);

    private CompactionRig(History history, MemoryStore replica)
    {
        (History, Replica) = (history, replica);
        Store = replica;
    }

    public History History { get; }

    public MemoryStore Replica { get; }

    /// <summary>What the steps see: the replica, or something before it.</summary>
    public IReplicaStore Store { get; set; }

    public MemoryFileSystem Disk { get; } = new();

    public Func<LtxFileKey, Stream?>? OpenLocally { get; set; }

    public ReplicaCatalog Catalog { get; private set; } = new([]);

    public static async Task<CompactionRig> CreateAsync(History history, string files)
    {
        var rig = new CompactionRig(history, await history.StoreAsync(files));
        await rig.ListAsync();
        return rig;
    }

    /// <summary>Reads the catalogue anew.</summary>
    public async Task ListAsync() => Catalog = new ReplicaCatalog(await ReplicaListing.ReadAllAsync(Replica, default));

    /// <summary>Writes a file, or replaces it by another content.</summary>
    public async Task<LtxFileInfo> WriteAsync(string file, byte[] content)
        => await History.WriteAsync(Replica, Listing.ParseFile(file).Key, content);

    public async Task DeleteAsync(params string[] files)
        => await Replica.DeleteAsync([.. files.Select(file => Listing.ParseFile(file).Key)], default);

    public async Task<CompactionResult> CompactAsync(int level = 1, bool takesSingle = false, CancellationToken cancellationToken = default)
        => await new CompactionStep(Store, Lineage, Disk, Folder, OpenLocally)
            .RunAsync(Catalog, new Level(level), takesSingle, cancellationToken);

    public async Task<CompactionResult> ComposeAsync(IFileSystem? disk = null, CancellationToken cancellationToken = default)
        => await new SnapshotCompositionStep(Store, Lineage, disk ?? Disk, Folder, OpenLocally).RunAsync(Catalog, cancellationToken);

    /// <summary>What the replica holds, as text; the catalogue must say the same.</summary>
    public async Task<string> ListingAsync()
    {
        var files = await ReplicaListing.ReadAllAsync(Replica, default);
        Assert.Equal(files, Catalog.Files);
        return Listing.Text(files);
    }

    /// <summary>The bytes of a file.</summary>
    public async Task<byte[]> ReadAsync(LtxFileKey key)
    {
        await using var content = await Replica.OpenAsync(key, 0, null, default);
        var bytes = new MemoryStream();
        await content.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    /// <summary>Restores with the product and checks every TXID that can be restored against what the database was.</summary>
    public async Task AssertRestorableAsync(params int[] txids)
    {
        foreach (var txid in txids)
        {
            var disk = new MemoryFileSystem();
            await new RestoreStep(Replica, disk, TimeProvider.System).RunAsync(
                new RestoreTarget.AtTxid(new Txid((ulong)txid)), new RestoreOptions { OutputPath = "/db" }, default);
            Assert.Equal(History.At(txid), disk.ReadAllBytes("/db"));
            Assert.Equal(History.At(txid), await NaiveRestore.RunAsync(Replica, new Txid((ulong)txid)));
        }
    }

    /// <summary>Runs something that must leave replica and disk as they are.</summary>
    public async Task<T> AssertNothingWrittenAsync<T>(Func<Task<T>> run)
    {
        var before = await ReplicaListing.ReadAllAsync(Replica, default);
        var result = await run();
        Assert.Equal(before, await ReplicaListing.ReadAllAsync(Replica, default));
        Assert.Empty(Disk.AllFiles);
        Assert.Equal(0, Disk.OpenHandles);
        return result;
    }
}
