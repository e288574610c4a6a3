using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Replicas.Verification;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Verification;

public sealed class VerifyStepTests
{
    private const string Files = "0:3-3 0:4-4 0:5-5 0:6-6 1:1-2 1:3-4 1:5-6 9:1-2 9:1-4";

    private readonly History _history = new History(512).CaptureAtRandom(seed: 5, captures: 6, pagesMax: 9);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_whole_replica_is_sound(bool isProven)
    {
        var history = new History(512, isProven).CaptureAtRandom(seed: 5, captures: 6, pagesMax: 9);
        var report = await VerifyAsync(await history.StoreAsync(Files));

        Assert.True(report.IsSound);
        Assert.Empty(report.Findings);
        Assert.Equal(9, report.Files);
        Assert.Equal((2ul, 6ul, 5), (report.Oldest!.Value.Txid.Value, report.Newest!.Value.Txid.Value, report.RestorableStates));
        Assert.Equal(isProven ? 5 : 0, report.ProvenStates);
        var state = Assert.Single(report.States);
        Assert.Equal((new Txid(6), isProven, history.At(6).Length), (state.Plan!.MaxTxid, state.IsProven, state.SizeBytes));
    }

    [Fact]
    public async Task Damage_of_any_file_is_found_wherever_it_is()
    {
        foreach (var file in Listing.Parse(Files))
        {
            var content = Content(file);
            for (var at = 0; at < content.Length; at += 37)
            {
                var store = await _history.StoreAsync(Files);
                content[at] ^= 0x10;
                await _history.WriteAsync(store, file.Key, content);
                content[at] ^= 0x10;
                var report = await VerifyAsync(store);
                Assert.False(report.IsSound);
                Assert.Contains(report.Findings, finding => finding is { IsProblem: true } && finding.File == file.Key);
            }
        }
    }

    [Fact]
    public async Task Damage_tells_which_states_are_lost_and_what_is_left()
    {
        var store = await _history.StoreAsync(Files);
        await CutAsync(store, "0:6-6");
        await CutAsync(store, "1:5-6");

        var report = await VerifyAsync(store);

        Assert.Equal(5ul, report.Newest!.Value.Txid.Value);
        Assert.Contains(report.Findings, finding => Says(finding, "Because of the damage, 1 of 5 states"));
        Assert.IsType<DamagedFileException>(Assert.Single(report.States).Failure);
    }

    [Fact]
    public async Task A_damaged_file_that_others_replace_should_be_deleted()
    {
        var store = await _history.StoreAsync(Files);
        await CutAsync(store, "1:3-4");

        var report = await VerifyAsync(store);

        Assert.Equal((false, null), (report.IsSound, Assert.Single(report.States).Failure));
        Assert.Equal(report.Newest!.Value.Txid, Assert.Single(report.States).Plan!.MaxTxid);
        var finding = Assert.Single(report.Findings);
        Assert.StartsWith("Delete the file", finding.Hint, StringComparison.Ordinal);
        await store.DeleteAsync([finding.File!.Value], CancellationToken.None);
        Assert.True((await VerifyAsync(store)).IsSound);
    }

    [Theory]
    [InlineData("0:1-1 0:2-2 0:4-4 1:1-4", true)]
    [InlineData("0:1-1 0:2-2 0:4-4 9:1-3", true)]
    [InlineData("0:1-1 0:2-2 0:4-4", false)]
    [InlineData("9:1-2 1:3-4 1:6-6 0:5-5", true)]
    public async Task A_hole_on_a_level_is_a_problem_unless_other_levels_bridge_it(string files, bool isBridged)
    {
        var report = await VerifyAsync(await _history.StoreAsync(files));

        var finding = report.Findings.First(finding => Says(finding, "hole"));
        Assert.Equal((!isBridged, isBridged), (finding.IsProblem, report.IsSound));
    }

    [Fact]
    public async Task Files_of_two_histories_do_not_fit_together()
    {
        var other = new History(512).CaptureAtRandom(seed: 6, captures: 6, pagesMax: 9);
        var store = await _history.StoreAsync("0:1-1 0:2-2 0:3-3");
        await other.WriteAsync(store, Listing.ParseFile("0:4-4").Key, other.File(4, 4));
        await other.WriteAsync(store, Listing.ParseFile("9:1-2").Key, other.File(1, 2));

        var findings = (await VerifyAsync(store)).Findings;

        Assert.Contains(findings, finding => Says(finding, "lead to different databases"));
        Assert.Contains(findings, finding => Says(finding, "0/0000000000000004-0000000000000004.ltx continues"));
    }

    [Fact]
    public async Task A_proof_that_the_pages_do_not_lead_to_is_found_although_every_file_is_whole()
    {
        var store = await _history.StoreAsync("0:1-1 0:2-2");
        var lie = _history.File(3, 3, header => header with { Proof = header.Proof with { After = new DatabaseChecksum(1UL << 63 | 1) } });
        await _history.WriteAsync(store, Listing.ParseFile("0:3-3").Key, lie);

        var report = await VerifyAsync(store);

        Assert.Empty(report.Findings);
        Assert.IsType<RestoreVerificationException>(Assert.Single(report.States).Failure);
    }

    [Fact]
    public async Task A_file_under_the_name_of_another_one_is_found()
    {
        var store = await _history.StoreAsync(Files);
        await _history.WriteAsync(store, Listing.ParseFile("0:3-3").Key, _history.File(4, 4));
        Assert.Contains((await VerifyAsync(store)).Findings, finding => Says(finding, "not what its name says"));
    }

    [Fact]
    public async Task A_snapshot_that_does_not_begin_at_the_first_txid_is_found()
    {
        var store = await _history.StoreAsync("0:1-1 0:2-2 9:2-2");
        Assert.Contains((await VerifyAsync(store)).Findings, finding => finding.IsProblem && finding.File?.Level == Level.Snapshots);
    }

    [Fact]
    public async Task Lost_file_times_are_told()
    {
        var store = new MemoryStore();
        foreach (var file in Listing.Parse("0:1-1 0:2-2"))
        {
            await store.WriteAsync(file.Key, DateTimeOffset.UnixEpoch, new MemoryStream(Content(file)), CancellationToken.None);
        }

        var report = await VerifyAsync(store);

        Assert.True(report.IsSound);
        Assert.Contains("other times for 2 of 2 files", Assert.Single(report.Findings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_replica_is_not_sound()
    {
        var report = await VerifyAsync(new MemoryStore());
        Assert.False(report.IsSound);
        Assert.Null(report.Newest);
        Assert.IsType<NoMatchingBackupException>(Assert.Single(report.States).Failure);
    }

    [Fact]
    public async Task Every_snapshot_is_checked_when_it_is_asked_for()
    {
        var report = await VerifyAsync(await _history.StoreAsync(Files), new VerifyOptions { IncludesSnapshots = true });
        Assert.Equal([6ul, 2, 4], report.States.Select(state => state.Plan!.MaxTxid.Value));
    }

    [Fact]
    public async Task A_full_check_looks_at_each_restored_database_and_leaves_nothing()
    {
        var disk = new MemoryFileSystem();
        var seen = new List<int>();
        var scratch = new ScratchDatabase(disk, "/tmp/state.db", (path, _) =>
        {
            seen.Add((int)disk.TryGetFacts(path)!.Value.SizeBytes);
            return seen.Count == 2
                ? throw new TidemarkException("the integrity check found something")
                : ValueTask.FromResult<IReadOnlyList<string>>(seen.Count == 3 ? ["table t"] : []);
        });

        var report = await VerifyAsync(
            await _history.StoreAsync(Files), new VerifyOptions { IncludesSnapshots = true, Scratch = scratch });

        Assert.Equal([_history.At(6).Length, _history.At(2).Length, _history.At(4).Length], seen);
        Assert.Equal([true, false, true], report.States.Select(state => state.Failure is null));
        Assert.Equal([0, 0, 1], report.States.Select(state => state.Unchecked.Count));
        Assert.False(report.IsComplete);
        Assert.Empty(disk.ListFiles("/tmp"));
        Assert.False(report.IsSound);
    }

    [Fact]
    public async Task A_file_that_retention_removes_meanwhile_is_no_damage()
    {
        var store = await _history.StoreAsync(Files);
        var listings = Level.Count;
        var hooked = new FaultingStore(store, _ => null)
        {
            BeforeCall = call =>
            {
                if (call == listings + 1)
                {
                    store.DeleteAsync([Listing.ParseFile("0:3-3").Key], CancellationToken.None).AsTask().Wait();
                }
            },
        };
        Assert.True((await VerifyAsync(hooked, new VerifyOptions { Parallelism = 1 })).IsSound);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_an_error_and_no_report()
    {
        var store = FaultingStore.FailingAt(await _history.StoreAsync(Files), Level.Count + 3, StoreFault.Before);
        await Assert.ThrowsAsync<ReplicaStoreException>(() => VerifyAsync(store));
    }

    private static bool Says(Finding finding, string text) => finding.Message.Contains(text, StringComparison.Ordinal);

    private byte[] Content(LtxFileInfo file) => _history.File((int)file.MinTxid.Value, (int)file.MaxTxid.Value);

    private async Task CutAsync(MemoryStore store, string name)
    {
        var file = Listing.ParseFile(name);
        await _history.WriteAsync(store, file.Key, Content(file)[..^9]);
    }

    private static async Task<VerificationReport> VerifyAsync(IReplicaStore store, VerifyOptions? options = null)
        => await new VerifyStep(store, TimeProvider.System).RunAsync(options ?? new VerifyOptions(), CancellationToken.None);
}
