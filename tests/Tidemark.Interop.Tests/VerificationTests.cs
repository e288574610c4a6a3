using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Verification;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Peers;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>What verification says of real replicas, beside what the independent checker says.</summary>
public sealed class VerificationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(RestoreOfLitestreamReplicasTests.Replicas), MemberType = typeof(RestoreOfLitestreamReplicasTests))]
    public async Task Replicas_of_Litestream_are_sound_with_all_of_their_snapshots(string name)
    {
        using var fixture = new Fixture(name);
        var report = await VerifyAsync(fixture.Store);

        Assert.Empty(report.Findings);
        Assert.True(report.IsSound);
        Assert.Equal(fixture.ByTxid.Count(), report.RestorableStates);
        Assert.Equal(0, report.ProvenStates);
    }

    [Fact]
    public async Task A_replica_that_was_compacted_and_thinned_out_is_sound_and_proven()
    {
        using var folder = new TemporaryFolder();
        using var source = SourceDatabase.Open(folder["app.db"], 1024, incrementalVacuum: true);
        source.CreateTable();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        var store = new LocalStore(replication.ReplicaPath, PhysicalFileSystem.Instance);
        foreach (var (change, i) in WrittenReplicaTests.Changes(1024).Select((change, i) => (change, i)))
        {
            source.Run(change);
            await replication.RunOnceAsync();
            if (i % 3 == 2)
            {
                using var compaction = await ReplicaCompaction.OpenAsync(store);
                await compaction.CompactAsync(level: 1);
                await AssertSoundAsync();
            }
        }

        using (var compaction = await ReplicaCompaction.OpenAsync(store))
        {
            await compaction.ComposeAsync();
        }

        source.Insert(3);
        await replication.RunOnceAsync();
        await AssertSoundAsync();

        async Task AssertSoundAsync()
        {
            await LtxCheck.RunAsync(replication.ReplicaPath);
            var report = await VerifyAsync(store);
            Assert.Empty(report.Findings);
            Assert.True(report.IsSound);
            Assert.Equal(report.RestorableStates, report.ProvenStates);
            Assert.Equal(source.Serialize().Length, report.States[0].SizeBytes);
        }
    }

    [Fact]
    public async Task The_independent_checker_finds_the_same_damage()
    {
        using var fixture = new Fixture("takeover");
        var random = new Random(4);
        foreach (var file in await ReplicaListing.ReadAllAsync(fixture.Store, Token))
        {
            var path = fixture[$"replica/ltx/{file.Key}"];
            var original = PlainFile.Read(path);
            foreach (var damaged in (byte[][])[Flip(original, random.Next(original.Length)), original[..random.Next(original.Length)]])
            {
                await File.WriteAllBytesAsync(path, damaged, Token);
                Assert.NotNull(await Record.ExceptionAsync(() => LtxCheck.RunAsync(fixture["replica"])));
                var report = await VerifyAsync(fixture.Store);
                Assert.False(report.IsSound);
                Assert.Contains(report.Findings, finding => finding.IsProblem && finding.File == file.Key);
            }

            await File.WriteAllBytesAsync(path, original, Token);
        }

        Assert.True((await VerifyAsync(fixture.Store)).IsSound);
    }

    private static byte[] Flip(byte[] content, int at)
    {
        var flipped = content.ToArray();
        flipped[at] ^= 0x20;
        return flipped;
    }

    private static async Task<VerificationReport> VerifyAsync(IReplicaStore store)
        => await new VerifyStep(store, TimeProvider.System).RunAsync(new VerifyOptions { IncludesSnapshots = true }, Token);
}
