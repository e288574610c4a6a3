using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Testing.Peers;
using Tidemark.Replicas.Catalog;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>Tidemark goes on where Litestream was killed: with its local folder, its replica, and rows that are in the WAL only.</summary>
public sealed class TakeoverTests
{
    private static readonly Txid s_firstOwn = new(10);

    [Fact]
    public async Task The_first_capture_brings_what_was_in_the_wal_only()
    {
        using var fixture = new Fixture("takeover");
        var replication = ReplicationOf(fixture);

        // Nobody has the database open, as after the crash of the machine's only application.
        var txid = await replication.RunOnceAsync();

        using var source = SourceDatabase.Open(fixture["app.db"]);
        Assert.Equal(s_firstOwn, txid);
        Assert.Equal(fixture.Expected.GetProperty("rows_in_database").GetInt64(), source.RunLong("SELECT count(*) FROM t"));
        var restored = await replication.RestoreAsync();
        Assert.Equal(source.Serialize(), restored);
        Assert.Equal(restored, await LtxCheck.RestoreAsync(replication.ReplicaPath, txid: null));
        Assert.Equal(LitestreamExtension.Expect(source, "v"), await LitestreamExtension.ReadAsync(replication.ReplicaPath, "v"));
    }

    [Fact]
    public async Task It_needs_no_full_image_and_no_folder_of_its_own()
    {
        using var fixture = new Fixture("takeover");
        var replication = ReplicationOf(fixture);
        await replication.RunOnceAsync();

        var (header, pageCount) = await ReadAsync(fixture, s_firstOwn);

        Assert.InRange(pageCount, 1, (int)header.Commit - 1);
        Assert.NotEqual(Lineage.None, header.Lineage);
        Assert.True(File.Exists(Path.Combine(fixture[".app.db-litestream"], "position")));
        Assert.False(Directory.Exists(fixture[".app.db-tidemark"]));
    }

    [Fact]
    public async Task Nothing_that_lay_in_the_replica_is_rewritten_or_deleted()
    {
        using var fixture = new Fixture("takeover");
        var before = ReplicaFiles.Hash(fixture["replica"]);
        var replication = ReplicationOf(fixture);
        await replication.RunOnceAsync();
        using var source = SourceDatabase.Open(fixture["app.db"]);
        source.Run("DELETE FROM t WHERE id % 3 = 0");
        await replication.RunOnceAsync();

        var after = ReplicaFiles.Hash(fixture["replica"]);

        Assert.Equal(before, after.Where(file => before.ContainsKey(file.Key)).ToDictionary());
        Assert.Equal(
            [Path.Combine("ltx", "0", $"{s_firstOwn}-{s_firstOwn}.ltx"),
                Path.Combine("ltx", "0", $"{s_firstOwn.Next()}-{s_firstOwn.Next()}.ltx"),
                "tidemark-writer"],
            after.Keys.Except(before.Keys));
    }

    [Fact]
    public async Task Later_captures_go_on_densely_and_each_restores()
    {
        using var fixture = new Fixture("takeover");
        var replication = ReplicationOf(fixture);
        var expected = new Dictionary<Txid, byte[]>();
        await replication.RunOnceAsync();
        using var source = SourceDatabase.Open(fixture["app.db"]);
        for (var i = 0; i < 6; i++)
        {
            source.Run($"INSERT INTO t(k, v) VALUES ('after {i}', randomblob(500))");
            source.Run($"UPDATE t SET v = randomblob(300) WHERE id % 11 = {i}");
            if (i == 3)
            {
                // Somebody else starts the WAL over while Tidemark is not there.
                source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
            }

            var txid = await replication.RunOnceAsync();
            Assert.Equal(new Txid(s_firstOwn.Value + (ulong)i + 1), txid);
            expected.Add(txid, source.Serialize());
        }

        foreach (var (txid, image) in expected)
        {
            Assert.Equal(image, await replication.RestoreAsync(txid));
        }

        await LtxCheck.RunAsync(replication.ReplicaPath);
        Assert.Equal(LitestreamExtension.Expect(source, "v"), await LitestreamExtension.ReadAsync(replication.ReplicaPath, "v"));
    }

    [Fact]
    public async Task A_wal_that_was_started_over_before_the_takeover_loses_nothing_either()
    {
        using var fixture = new Fixture("takeover");
        using var source = SourceDatabase.Open(fixture["app.db"]);
        source.Run("PRAGMA wal_checkpoint(RESTART)");
        source.Run("INSERT INTO t(k, v) VALUES ('between', x'00')");
        var replication = ReplicationOf(fixture);

        Assert.Equal(s_firstOwn, await replication.RunOnceAsync());

        Assert.Equal(source.Serialize(), await replication.RestoreAsync());
    }

    [Theory]
    [InlineData("with the folder of the original")]
    [InlineData("without it")]
    [InlineData("without it, and nobody had written anything more")]
    public async Task Where_the_wal_cannot_tell_only_pages_that_differ_from_the_replica_are_written(string how)
    {
        using var fixture = new Fixture("takeover");
        var replication = ReplicationOf(fixture);
        var before = await replication.RestoreAsync();
        using var source = SourceDatabase.Open(fixture["app.db"]);
        source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        if (how != "without it, and nobody had written anything more")
        {
            source.Run("INSERT INTO t(k, v) VALUES ('between', x'00')");
        }

        if (how != "with the folder of the original")
        {
            Directory.Delete(fixture[".app.db-litestream"], recursive: true);
        }

        Assert.Equal(s_firstOwn, await replication.RunOnceAsync());

        var after = source.Serialize();
        var (header, pageCount) = await ReadAsync(fixture, s_firstOwn);
        Assert.Equal(DifferentPages(before, after, header.PageSize.Bytes), pageCount);
        Assert.InRange(pageCount, 1, (int)header.Commit - 1);
        Assert.NotNull(header.Proof.Before);
        Assert.Equal(after, await replication.RestoreAsync());
        Assert.Equal(after, await LtxCheck.RestoreAsync(replication.ReplicaPath, txid: null));
    }

    [Fact]
    public async Task A_restart_before_the_first_upload_checks_what_the_replica_holds()
    {
        using var fixture = new Fixture("takeover");
        using var source = SourceDatabase.Open(fixture["app.db"]);
        source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        Directory.Delete(fixture[".app.db-litestream"], recursive: true);
        var replication = ReplicationOf(fixture);
        await replication.RunOnceAsync();
        File.Delete(fixture[$"replica/ltx/0/{s_firstOwn}-{s_firstOwn}.ltx"]);

        Assert.Equal(s_firstOwn, await replication.RunOnceAsync(refills: true));

        Assert.Equal(source.Serialize(), await replication.RestoreAsync());
        Assert.False(File.Exists(fixture[$"replica/ltx/9/{Txid.First}-{s_firstOwn}.ltx"]));
    }

    private static int DifferentPages(byte[] before, byte[] after, int pageBytes)
        => Enumerable.Range(0, after.Length / pageBytes).Count(page =>
            (page + 1) * pageBytes > before.Length
            || !before.AsSpan(page * pageBytes, pageBytes).SequenceEqual(after.AsSpan(page * pageBytes, pageBytes)));

    private static DatabaseReplication ReplicationOf(Fixture fixture) => new(fixture["app.db"], fixture["replica"]);

    private static async Task<(LtxHeader Header, int PageCount)> ReadAsync(Fixture fixture, Txid txid)
    {
        var key = new LtxFileKey(Level.Captured, new LtxFileName(txid, txid));
        await using var content = await fixture.Store.OpenAsync(key, 0, null, TestContext.Current.CancellationToken);
        using var reader = new LtxReader(content, key.ToString());
        var header = await reader.ReadHeaderAsync(TestContext.Current.CancellationToken);
        var (part, pageCount) = (new LtxPart(), 0);
        while (await reader.ReadPartAsync(part, TestContext.Current.CancellationToken))
        {
            pageCount += part.Count;
        }

        return (header, pageCount);
    }
}
