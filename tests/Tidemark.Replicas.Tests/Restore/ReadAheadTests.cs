using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Xunit;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>Files are read in ranges, several at once, and what breaks off goes on.</summary>
public sealed class ReadAheadTests
{
    private const int RangeMax = FileRange.SizeBytesMax;
    private readonly MemoryStore _store = new();
    private readonly List<LtxFileInfo> _files = [];
    private readonly List<byte[]> _contents = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(50)]
    public async Task Files_of_any_size_come_out_as_they_are(int rangesMax)
    {
        await AddAsync(0, 1, RangeMax - 1, RangeMax, 70_000, RangeMax + 1, (3 * RangeMax) + 5, 100);
        AssertContents(await ReadAllAsync(_store, rangesMax));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task As_many_ranges_as_were_asked_for_are_read_at_once_and_never_more(int rangesMax)
    {
        await AddAsync(1000, 2 * RangeMax, 1000, (2 * RangeMax) + 1, 1000);
        var (inside, most) = (0, 0);
        var gate = new Lock();
        var areAllInside = new TaskCompletionSource();
        var store = new OpenHookedStore(_store, async () =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++inside);
                if (inside == rangesMax)
                {
                    areAllInside.TrySetResult();
                }
            }

            await areAllInside.Task.WaitAsync(Token); // Nobody gets on before the last of them is here.
            lock (gate)
            {
                inside--;
            }
        });
        AssertContents(await ReadAllAsync(store, rangesMax));
        Assert.Equal((8, rangesMax), (store.Requests.Count, most));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task What_breaks_off_goes_on_where_it_was_and_nothing_is_read_twice(int rangesMax)
    {
        await AddAsync(RangeMax + 9);
        var store = new OpenHookedStore(_store) { BreaksAfter = (RangeMax / 2) + 1 };
        AssertContents(await ReadAllAsync(store, rangesMax));
        Assert.Equal(
            [
                (0, RangeMax), // The first range, and the rest of it.
                ((RangeMax / 2) + 1, (RangeMax / 2) - 1),
                (RangeMax, null), // The last one goes on to the end of the file, whatever that is.
                (RangeMax + 9, null),
            ],
            store.Requests.OrderBy(request => request.Offset));
    }

    [Theory]
    [InlineData(true, RangeReader.FailuresMax)]
    [InlineData(false, 1)]
    public async Task It_gives_up_when_it_does_not_get_on_and_at_once_where_trying_again_cannot_help(bool isTransient, int tries)
    {
        await AddAsync(1000);
        var failure = new ReplicaStoreException("away", null) { IsTransient = isTransient };
        var store = new OpenHookedStore(_store, () => throw failure);
        Assert.Same(failure, await Assert.ThrowsAsync<ReplicaStoreException>(() => ReadAllAsync(store, 2)));
        Assert.Equal(tries, store.Requests.Count);
    }

    [Fact]
    public async Task A_file_that_has_vanished_is_not_waited_for()
    {
        await AddAsync(1000);
        await _store.DeleteAsync([_files[0].Key], Token);
        var store = new OpenHookedStore(_store);
        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(() => ReadAllAsync(store, 2));
        Assert.Single(store.Requests);
    }

    [Fact]
    public async Task Without_a_clock_there_is_one_try()
    {
        await AddAsync(1000);
        var store = new OpenHookedStore(_store) { BreaksAfter = 10 };
        await using var ahead = new ReadAhead(new RangeReader(store, time: null), _files, 1, Token);
        await Assert.ThrowsAsync<ReplicaStoreException>(() => ReadAsync(ahead));
        Assert.Single(store.Requests);
    }

    [Fact]
    public async Task The_pauses_between_tries_grow_and_can_be_cancelled()
    {
        await AddAsync(1000);
        var time = new FakeTimeProvider();
        using var stop = new CancellationTokenSource();
        var tries = new SemaphoreSlim(0);
        var store = new OpenHookedStore(_store, () =>
        {
            tries.Release();
            throw new ReplicaStoreException("away", null) { IsTransient = true };
        });
        await using var ahead = new ReadAhead(new RangeReader(store, time), _files, 1, stop.Token);
        var reading = ReadAsync(ahead);
        foreach (var pause in new[] { 100, 200, 400, 800, 1600, 3200 })
        {
            Assert.True(await tries.WaitAsync(0, Token));
            time.Advance(TimeSpan.FromMilliseconds(pause - 1));
            Assert.Equal(0, tries.CurrentCount);
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task A_file_that_is_not_as_long_as_listed_shows_that(int rangesMax)
    {
        await AddAsync(RangeMax + 1000);
        var file = _files[0];
        foreach (var (listed, read) in new[]
        {
            (file.SizeBytes - 10, file.SizeBytes - 9), // It has grown: one byte more is enough to see it.
            (file.SizeBytes + 10, file.SizeBytes),
            (file.SizeBytes + (3 * RangeMax), file.SizeBytes),
        })
        {
            _files[0] = file with { SizeBytes = listed };
            Assert.Equal(read, (await ReadAllAsync(_store, rangesMax))[0].Length);
        }
    }

    [Fact]
    public async Task A_failure_shows_where_its_bytes_are_needed()
    {
        await AddAsync(1000, 1000, 1000);
        var store = new OpenHookedStore(_store, () => throw new ReplicaStoreException("broken", null)) { Breaks = key => key == _files[1].Key };
        await using var ahead = new ReadAhead(new RangeReader(store, time: null), _files, 3, Token);
        Assert.Equal(_contents[0], await ReadAsync(ahead));
        Assert.Equal("broken", (await Assert.ThrowsAsync<ReplicaStoreException>(() => ReadAsync(ahead))).Message);
    }

    // Much faster than a comparison of collections.
    private void AssertContents(List<byte[]> read)
        => Assert.Equal(
            Enumerable.Repeat(true, _contents.Count), read.Zip(_contents, (actual, expected) => actual.AsSpan().SequenceEqual(expected)));

    private async Task AddAsync(params int[] sizes)
    {
        foreach (var size in sizes)
        {
            var content = new byte[size];
            new Random(size).NextBytes(content);
            var txid = new Txid((ulong)_files.Count + 1);
            _contents.Add(content);
            _files.Add(await _store.WriteAsync(
                new LtxFileKey(Level.Captured, new(txid, txid)), DateTimeOffset.UnixEpoch, new MemoryStream(content), Token));
        }
    }

    private async Task<List<byte[]>> ReadAllAsync(IReplicaStore store, int rangesMax)
    {
        await using var ahead = new ReadAhead(new RangeReader(store, new ImpatientTime()), _files, rangesMax, Token);
        var contents = new List<byte[]>();
        foreach (var _ in _files)
        {
            contents.Add(await ReadAsync(ahead));
        }

        return contents;
    }

    private static async Task<byte[]> ReadAsync(ReadAhead ahead)
    {
        await using var file = ahead.OpenNext();
        using var content = new MemoryStream();
        await file.CopyToAsync(content, 100_000, Token);
        return content.ToArray();
    }
}
