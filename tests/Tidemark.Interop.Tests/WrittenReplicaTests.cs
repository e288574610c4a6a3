using Tidemark.Formats;
using Tidemark.Testing.Peers;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>
/// What Tidemark writes is read by others: by Litestream's own decoder, and by a checker that knows the format's description only.
/// </summary>
public sealed class WrittenReplicaTests
{
    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task Growing_shrinking_and_vacuum_read_the_same_everywhere(int pageSize)
    {
        using var folder = new TemporaryFolder();
        using var source = SourceDatabase.Open(folder["app.db"], pageSize, incrementalVacuum: true);
        source.CreateTable();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        var states = new Dictionary<Txid, byte[]>();
        var pagesMax = 0L;
        foreach (var change in Changes(pageSize))
        {
            source.Run(change);
            states[await replication.RunOnceAsync()] = source.Serialize();
            var (expected, view) = (LitestreamExtension.Expect(source), await LitestreamExtension.ReadAsync(replication.ReplicaPath));
            Assert.Equal(expected.Content, view.Content);
            if (expected.PageCount >= pagesMax)
            {
                Assert.Equal(expected, view);
            }

            pagesMax = Math.Max(pagesMax, expected.PageCount);
        }

        Assert.Equal((ulong)states.Count, states.Keys.Max().Value);
        foreach (var (txid, state) in states)
        {
            Assert.Equal(state, await replication.RestoreAsync(txid));
        }

        var newest = states.Keys.Max();
        var middle = new Txid(newest.Value / 2);
        Assert.Equal(states[middle], await LtxCheck.RestoreAsync(replication.ReplicaPath, middle));
        Assert.Equal(states[newest], await LtxCheck.RestoreAsync(replication.ReplicaPath, txid: null));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task A_snapshot_of_a_database_that_shrank_reads_the_same_everywhere(int pageSize)
    {
        using var folder = new TemporaryFolder();
        using var source = SourceDatabase.Open(folder["app.db"], pageSize, incrementalVacuum: true);
        source.CreateTable();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        foreach (var change in Changes(pageSize))
        {
            source.Run(change);
            await replication.RunOnceAsync();
        }

        // The destination has lost its files, and the spool does not hold all that they held: so a snapshot begins the replica anew.
        Directory.Delete(replication.ReplicaPath, recursive: true);
        source.Run("DELETE FROM t WHERE id % 2 = 1; VACUUM");
        var txid = await replication.RunOnceAsync(refills: true);

        Assert.Contains(Path.Combine("ltx", "9", $"{Txid.First}-{txid}.ltx"), ReplicaFiles.Hash(replication.ReplicaPath).Keys);
        Assert.Equal(source.Serialize(), await replication.RestoreAsync());
        Assert.Equal(source.Serialize(), await LtxCheck.RestoreAsync(replication.ReplicaPath, txid: null));
        Assert.Equal(LitestreamExtension.Expect(source), await LitestreamExtension.ReadAsync(replication.ReplicaPath));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public async Task A_full_image_in_the_place_of_captures_that_are_gone_reads_the_same_everywhere(int pageSize)
    {
        using var folder = new TemporaryFolder();
        using var source = SourceDatabase.Open(folder["app.db"], pageSize, incrementalVacuum: true);
        source.CreateTable();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        var other = new DatabaseReplication(folder["app.db"], folder["other"]);
        source.Run(Insert(30, pageSize));
        var before = await replication.RunOnceAsync();
        var stateBefore = source.Serialize();
        foreach (var change in (string[])[Insert(10, pageSize), "DELETE FROM t WHERE id % 2 = 1; VACUUM", Insert(5, pageSize)])
        {
            // The other destination has these captures, and after that the spool has not.
            source.Run(change);
            await other.RunOnceAsync();
        }

        var txid = await replication.RunOnceAsync();

        Assert.Contains(Path.Combine("ltx", "0", $"{before.Next()}-{txid}.ltx"), ReplicaFiles.Hash(replication.ReplicaPath).Keys);
        Assert.Equal(stateBefore, await replication.RestoreAsync(before));
        await AssertReadsTheSameAsync(source, replication);
        source.Run(Insert(3, pageSize));
        Assert.Equal(txid.Next(), await replication.RunOnceAsync());
        await AssertReadsTheSameAsync(source, replication);
    }

    private static async Task AssertReadsTheSameAsync(SourceDatabase source, DatabaseReplication replication)
    {
        Assert.Equal(source.Serialize(), await replication.RestoreAsync());
        Assert.Equal(source.Serialize(), await LtxCheck.RestoreAsync(replication.ReplicaPath, txid: null));
        var view = await LitestreamExtension.ReadAsync(replication.ReplicaPath);
        Assert.Equal(LitestreamExtension.Expect(source).Content, view.Content);
    }

    // About ten pages at first, at most some forty: the checker takes its time.
    internal static string[] Changes(int pageSize) =>
    [
        Insert(10, pageSize),
        Insert(30, pageSize),
        $"UPDATE t SET data = zeroblob({pageSize / 2}) WHERE id % 4 = 0",
        "DELETE FROM t WHERE id % 2 = 0; PRAGMA incremental_vacuum",
        Insert(5, pageSize),
        "DELETE FROM t WHERE id < 20; VACUUM",
        Insert(10, pageSize),
    ];

    private static string Insert(int rows, int pageSize)
        => $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{rows}) "
            + $"INSERT INTO t(data) SELECT randomblob({pageSize / 2}) FROM n";
}
