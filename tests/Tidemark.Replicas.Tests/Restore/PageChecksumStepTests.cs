using System.Collections.Concurrent;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

public sealed class PageChecksumStepTests
{
    private const string Files = "9:1-2 0:3-3 0:4-4 0:5-5 0:6-6";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_page_of_a_state_is_given_with_its_checksum(bool isProven)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var history = new History(512, isProven).CaptureAtRandom(seed, captures: 6, pagesMax: 30);
            var store = await history.StoreAsync(Files);
            for (var txid = 2; txid <= 6; txid++)
            {
                var found = new ConcurrentDictionary<uint, ulong>();

                var state = await ReadAsync(store, txid, found);

                var image = history.At(txid);
                Assert.Equal(
                    new ReplicaState(
                        new Txid((ulong)txid), history.PageSize, (uint)image.Length / 512, history.ChecksumAt(txid), isProven),
                    state);
                Assert.Equal(
                    Enumerable.Range(0, image.Length / 512)
                        .Select(i => KeyValuePair.Create((uint)i + 1, DatabaseChecksum.OfPage((uint)i + 1, image.AsSpan(i * 512, 512)))),
                    found.OrderBy(page => page.Key));
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flipped_bit_anywhere_is_an_error_or_changes_nothing(bool isProven)
    {
        var history = new History(512, isProven).CaptureAtRandom(seed: 11, captures: 6, pagesMax: 5);
        foreach (var file in Listing.Parse(Files))
        {
            var content = history.File((int)file.MinTxid.Value, (int)file.MaxTxid.Value);
            for (var i = 0; i < content.Length; i += 3)
            {
                content[i] ^= (byte)(1 << (i % 8));
                var store = await history.StoreAsync(Files);
                await history.WriteAsync(store, file.Key, content);
                content[i] ^= (byte)(1 << (i % 8));
                try
                {
                    Assert.Equal(history.ChecksumAt(6), (await ReadAsync(store, 6, [])).Checksum);
                }
                catch (TidemarkException e)
                {
                    Assert.True(e is LtxFormatException or RestoreVerificationException, e.ToString());
                }
            }
        }
    }

    [Fact]
    public async Task A_state_to_which_no_files_lead_is_an_error()
    {
        var history = new History(512).CaptureAtRandom(seed: 3, captures: 6, pagesMax: 5);
        var store = await history.StoreAsync("9:1-2 0:3-3 0:5-5 0:6-6");

        await Assert.ThrowsAsync<TxidNotRestorableException>(() => ReadAsync(store, 6, []));
    }

    [Fact]
    public async Task Files_that_vanish_meanwhile_are_planned_anew()
    {
        var history = new History(512).CaptureAtRandom(seed: 5, captures: 6, pagesMax: 5);
        var inner = await history.StoreAsync(Files);

        // Each level is listed, then the first file is opened.
        var store = FaultingStore.FailingAt(inner, Level.Count + 1, StoreFault.NotFound);

        Assert.Equal(history.ChecksumAt(6), (await ReadAsync(store, 6, [])).Checksum);
        Assert.True(store.Calls > 2 * Level.Count);
    }

    private static async Task<ReplicaState> ReadAsync(IReplicaStore store, int txid, ConcurrentDictionary<uint, ulong> found)
        => await new PageChecksumStep(store).RunAsync(
            new Txid((ulong)txid),
            (first, _, checksums) =>
            {
                foreach (var checksum in checksums)
                {
                    found[first++] = checksum;
                }
            },
            parallelism: 2,
            progress: null,
            TestContext.Current.CancellationToken);
}
