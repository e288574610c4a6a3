using System.Security.Cryptography;
using Tidemark.Formats;
using Tidemark.Testing.Peers;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>What Tidemark merges leads to the states that Litestream captured, and is read by others.</summary>
public sealed class CompactionTests
{
    public static TheoryData<string> Replicas => RestoreOfLitestreamReplicasTests.Replicas;

    [Theory]
    [MemberData(nameof(Replicas))]
    public async Task Captures_of_Litestream_compact_to_the_states_that_they_lead_to(string name)
    {
        using var fixture = new Fixture(name);
        var states = fixture.ByTxid.ToDictionary(state => state.Txid, state => state.Sha256);
        var (store, catalog) = (new MemoryStore(), new ReplicaCatalog([]));
        using var compaction = new ReplicaCompaction(store, catalog);
        var captured = 0;
        await foreach (var file in fixture.Store.ListAsync(Level.Captured, Txid.None, TestContext.Current.CancellationToken))
        {
            catalog.Add(await CopyAsync(fixture.Store, store, file));
            captured++;
            foreach (var level in new[] { 1, 2, 3 }.Where(level => captured % (level * 3) == 0))
            {
                // Only the merged files are left, so each of their boundaries is a state that they alone lead to.
                var merged = Assert.Single(await compaction.CompactAsync(level));
                Assert.Equal(states[merged.MaxTxid], await RestoreAsync(store, fixture, merged.MaxTxid));
            }
        }

        Assert.Equal(states.Count, captured);
        var snapshot = await compaction.ComposeAsync();
        Assert.Equal(fixture.Expected.GetProperty("latest").GetProperty("sha256").GetString(), states[snapshot.MaxTxid]);
        Assert.Equal(states[snapshot.MaxTxid], await RestoreAsync(store, fixture, snapshot.MaxTxid));
    }

    [Theory]
    [MemberData(nameof(Replicas))]
    public async Task A_snapshot_of_a_replica_of_Litestream_is_its_latest_state(string name)
    {
        using var fixture = new Fixture(name);
        var latest = RestorePlan.From(await ListAsync(fixture.Store), new RestoreTarget.Latest()).MaxTxid;
        using var compaction = await ReplicaCompaction.OpenAsync(fixture.Store);
        Assert.Equal(latest, (await compaction.ComposeAsync()).MaxTxid);
        Assert.Equal(
            fixture.Expected.GetProperty("latest").GetProperty("sha256").GetString(), await RestoreAsync(fixture.Store, fixture, latest));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task A_compacted_replica_reads_the_same_everywhere(int pageSize)
    {
        using var folder = new TemporaryFolder();
        using var source = SourceDatabase.Open(folder["app.db"], pageSize, incrementalVacuum: true);
        source.CreateTable();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        var store = new LocalStore(replication.ReplicaPath, PhysicalFileSystem.Instance);
        var changes = WrittenReplicaTests.Changes(pageSize);
        for (var i = 0; i < changes.Length; i++)
        {
            source.Run(changes[i]);
            await replication.RunOnceAsync();
            if (i % 3 == 2)
            {
                using var between = await ReplicaCompaction.OpenAsync(store);
                Assert.Single(await between.CompactAsync(level: 1));
                await AssertReadsAsync(); // From level 1 alone.
            }
        }

        using var compaction = await ReplicaCompaction.OpenAsync(store);
        Assert.Single(await compaction.CompactAsync(level: 2));
        await AssertReadsAsync(); // From level 2, and the last capture in level 0.
        await compaction.ComposeAsync();
        await AssertReadsAsync();
        Assert.Equal(LitestreamExtension.Expect(source), await LitestreamExtension.ReadAsync(replication.ReplicaPath));

        async Task AssertReadsAsync()
        {
            Assert.Equal(source.Serialize(), await replication.RestoreAsync());
            Assert.Equal(source.Serialize(), await LtxCheck.RestoreAsync(replication.ReplicaPath, txid: null));
            var (expected, view) = (LitestreamExtension.Expect(source), await LitestreamExtension.ReadAsync(replication.ReplicaPath));
            Assert.Equal(expected.Content, view.Content);
        }
    }

    private static async Task<LtxFileInfo> CopyAsync(IReplicaStore from, MemoryStore to, LtxFileInfo file)
    {
        await using var content = await from.OpenAsync(file.Key, 0, null, TestContext.Current.CancellationToken);
        return await to.WriteAsync(file.Key, file.Created, content, TestContext.Current.CancellationToken);
    }

    private static ValueTask<IReadOnlyList<LtxFileInfo>> ListAsync(IReplicaStore store)
        => ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken);

    private static async Task<string> RestoreAsync(IReplicaStore store, Fixture fixture, Txid txid)
    {
        await new RestoreStep(store, PhysicalFileSystem.Instance, TimeProvider.System).RunAsync(
            new RestoreTarget.AtTxid(txid),
            new RestoreOptions { OutputPath = fixture.OutputPath, Overwrite = true },
            TestContext.Current.CancellationToken);
        return Convert.ToHexStringLower(SHA256.HashData(PlainFile.Read(fixture.OutputPath)));
    }
}
