using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

public sealed class StateProofTests
{
    private readonly History _history = new History(512).CaptureAtRandom(seed: 31, captures: 4, pagesMax: 9);
    private readonly History _other = new History(512).CaptureAtRandom(seed: 32, captures: 4, pagesMax: 9);

    [Theory]
    [InlineData("0:1-1 0:2-2 0:3-3", "9:1-3", 3, HistoryAgreement.Same, 3)]
    [InlineData("0:1-1 0:2-2 0:3-3 0:4-4", "0:1-1 0:2-2", 2, HistoryAgreement.Same, 2)]
    [InlineData("0:1-1 1:2-4", "0:1-1 0:2-2", 2, HistoryAgreement.Same, 1)]
    [InlineData("1:1-4", "0:1-1 0:2-2", 2, HistoryAgreement.Unknown, 0)]
    [InlineData("0:1-1", "", 1, HistoryAgreement.Unknown, 0)]
    public async Task Replicas_of_one_history_agree_wherever_files_end(
        string one, string other, int txid, HistoryAgreement expected, int at)
        => Assert.Equal(
            (expected, new Txid((ulong)at)), await CompareAsync(await _history.StoreAsync(one), await _history.StoreAsync(other), txid));

    [Fact]
    public async Task Databases_of_the_same_txid_that_have_nothing_in_common_are_different()
        => Assert.Equal(
            (HistoryAgreement.Different, new Txid(2)),
            await CompareAsync(await _history.StoreAsync("0:1-1 0:2-2"), await _other.StoreAsync("0:1-1 0:2-2"), 2));

    [Fact]
    public async Task Files_without_a_checksum_of_the_whole_tell_nothing()
    {
        var unproven = new History(512, isProven: false).CaptureAtRandom(seed: 32, captures: 2, pagesMax: 9);
        Assert.Equal(
            (HistoryAgreement.Unknown, Txid.None),
            await CompareAsync(await _history.StoreAsync("0:1-1 0:2-2"), await unproven.StoreAsync("0:1-1 0:2-2"), 2));
    }

    [Fact]
    public async Task A_damaged_header_is_no_other_history()
    {
        const int LastByteOfHeader = 99; // Of the checksum after.
        var store = await _history.StoreAsync("0:1-1 0:2-2");
        var damaged = _history.File(2, 2);
        damaged[LastByteOfHeader] ^= 1;
        await _history.WriteAsync(store, Listing.ParseFile("0:2-2").Key, damaged);
        Assert.Equal((HistoryAgreement.Same, new Txid(1)), await CompareAsync(store, await _history.StoreAsync("0:1-1 0:2-2"), 2));

        await _history.WriteAsync(store, Listing.ParseFile("9:1-2").Key);
        Assert.Equal((HistoryAgreement.Same, new Txid(2)), await CompareAsync(store, await _history.StoreAsync("0:1-1 0:2-2"), 2));
    }

    private static async Task<(HistoryAgreement Agreement, Txid Txid)> CompareAsync(MemoryStore one, MemoryStore other, int txid)
        => await new StateProof(one, await ListAsync(one)).CompareAsync(
            new StateProof(other, await ListAsync(other)), new Txid((ulong)txid), TestContext.Current.CancellationToken);

    private static async Task<IReadOnlyList<LtxFileInfo>> ListAsync(MemoryStore store)
        => await ReplicaListing.ReadAllAsync(store, TestContext.Current.CancellationToken);
}
