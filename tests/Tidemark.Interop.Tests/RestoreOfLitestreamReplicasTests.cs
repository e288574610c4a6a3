using System.Security.Cryptography;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>Every state that Litestream restores from a replica that it wrote comes out the same, to the byte.</summary>
public sealed class RestoreOfLitestreamReplicasTests
{
    public static TheoryData<string> Replicas => ["grow-4k", "grow-512", "shrink-1k", "blobs-64k", "frames-4k"];

    [Theory]
    [MemberData(nameof(Replicas))]
    public async Task Every_txid_restores_to_the_same_bytes(string name)
    {
        using var fixture = new Fixture(name);
        foreach (var (txid, sha256, sizeBytes) in fixture.ByTxid)
        {
            var result = await RestoreAsync(fixture, new RestoreTarget.AtTxid(txid), sha256);
            Assert.Equal((txid, sizeBytes), (result.Txid, result.SizeBytes));
        }
    }

    [Theory]
    [MemberData(nameof(Replicas))]
    public async Task Every_moment_restores_to_the_same_bytes(string name)
    {
        using var fixture = new Fixture(name);
        foreach (var (time, txid, sha256) in fixture.ByTime)
        {
            var result = await RestoreAsync(fixture, new RestoreTarget.Before(time), sha256);
            Assert.Equal(txid, result.Txid);
        }
    }

    [Theory]
    [MemberData(nameof(Replicas))]
    public async Task The_latest_state_restores_to_the_same_bytes(string name)
    {
        using var fixture = new Fixture(name);
        var latest = fixture.Expected.GetProperty("latest");
        var result = await RestoreAsync(fixture, new RestoreTarget.Latest(), latest.GetProperty("sha256").GetString()!);
        Assert.Equal(Fixture.TxidOf(fixture.Expected.GetProperty("max_txid").GetString()!), result.Txid);
        Assert.Equal(latest.GetProperty("size").GetInt64(), result.SizeBytes);
        Assert.Equal(fixture.Expected.GetProperty("page_size").GetInt32(), result.PageSize.Bytes);
        Assert.False(result.IsProven);
    }

    [Fact]
    public async Task A_replica_whose_writer_was_killed_restores_to_its_last_txid()
    {
        using var fixture = new Fixture("takeover");
        var last = Fixture.TxidOf(fixture.Expected.GetProperty("max_txid_in_replica").GetString()!);
        var latest = await RestoreAsync(fixture, new RestoreTarget.Latest(), sha256: null);
        Assert.Equal(last, latest.Txid);
        using (var database = SourceDatabase.Open(fixture.OutputPath))
        {
            Assert.Equal(fixture.Expected.GetProperty("rows_in_replica").GetInt64(), database.Run("SELECT count(*) FROM t"));
            Assert.Equal("ok", database.Run("PRAGMA integrity_check"));
        }

        latest = await RestoreAsync(fixture, new RestoreTarget.Latest(), sha256: null); // SQLite may have changed the file's header.
        var sameState = await RestoreAsync(fixture, new RestoreTarget.AtTxid(last), await HashAsync(fixture.OutputPath));
        Assert.Equal(latest.SizeBytes, sameState.SizeBytes);
    }

    [Fact]
    public async Task A_moment_before_the_first_file_has_no_backup()
    {
        using var fixture = new Fixture("grow-4k");
        await Assert.ThrowsAsync<NoMatchingBackupException>(
            () => RestoreAsync(fixture, new RestoreTarget.Before(DateTimeOffset.UnixEpoch.AddYears(50)), sha256: null));
    }

    private static async Task<RestoreResult> RestoreAsync(Fixture fixture, RestoreTarget target, string? sha256)
    {
        var step = new RestoreStep(fixture.Store, PhysicalFileSystem.Instance, TimeProvider.System);
        var options = new RestoreOptions { OutputPath = fixture.OutputPath, Overwrite = true };
        var result = await step.RunAsync(target, options, CancellationToken.None);
        if (sha256 is not null)
        {
            Assert.Equal((target, sha256), (target, await HashAsync(fixture.OutputPath)));
        }

        return result;
    }

    private static async Task<string> HashAsync(string path)
        => Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(path)));
}
