using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

/// <summary>The loop around the rounds: when it waits, when it tries again, and when it ends.</summary>
public sealed class FollowerTests : IDisposable
{
    private const string Output = "/data/copy.db";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly SqliteHistory _history = new();
    private readonly MemoryFileSystem _disk = new();
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<FollowFailure> _failures = Channel.CreateUnbounded<FollowFailure>();
    private readonly Channel<int> _recoveries = Channel.CreateUnbounded<int>();

    public FollowerTests() => _history.Capture();

    [Fact]
    public async Task Each_state_is_given_once_and_rounds_without_news_give_nothing()
    {
        var store = await _history.Files.StoreAsync("0:1-1");
        await using var states = FollowAsync(store);
        Assert.Equal(FollowOutcome.Restored, (await NextAsync(states)).Outcome);
        var next = states.MoveNextAsync().AsTask();
        for (var round = 0; round < 5; round++)
        {
            await TickAsync(TimeSpan.FromSeconds(1));
            Assert.False(next.IsCompleted);
        }

        _history.Grow(1);
        _history.Capture();
        await _history.Files.WriteAsync(store, Listing.ParseFile("0:2-2").Key);
        await TickUntilAsync(next);
        Assert.Equal((FollowOutcome.Applied, new Txid(2)), (states.Current.Outcome, states.Current.Txid));
    }

    [Fact]
    public async Task A_replica_that_has_vanished_is_told_after_the_first_look()
    {
        using var stop = new CancellationTokenSource();
        var store = await _history.Files.StoreAsync("0:1-1");
        await using var states = FollowAsync(store, stop.Token);
        await NextAsync(states);
        await store.DeleteAsync([Listing.ParseFile("0:1-1").Key], TestContext.Current.CancellationToken);
        var next = states.MoveNextAsync().AsTask();

        _time.Advance(TimeSpan.FromSeconds(1)); // One interval, and no more.
        var failure = await _failures.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(s_patience);

        Assert.IsType<NoMatchingBackupException>(failure.Error);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    [Fact]
    public async Task A_second_follower_into_one_database_is_refused_until_the_first_one_ends()
    {
        var store = await _history.Files.StoreAsync("0:1-1");
        await using (var first = FollowAsync(store))
        {
            await NextAsync(first);
            await using var second = FollowAsync(store);
            var failure = await Assert.ThrowsAsync<FollowException>(() => NextAsync(second));
            Assert.Equal(($"Cannot follow into {Output}: another follower does already.", false), (failure.Message, failure.IsTransient));
        }

        await using var third = FollowAsync(store);
        Assert.Equal(FollowOutcome.Resumed, (await NextAsync(third)).Outcome);
    }

    [Fact]
    public async Task A_new_file_in_a_folder_is_applied_though_no_time_passes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Folders are watched on Linux.");
        using var folder = new TemporaryFolder();
        var source = new LocalStore(folder.Path, PhysicalFileSystem.Instance);
        await _history.Files.WriteAsync(source, Listing.ParseFile("0:1-1").Key);
        await using var states = FollowAsync(new LocalStore(folder.Path, PhysicalFileSystem.Instance));
        await NextAsync(states);
        for (var txid = 2; txid <= 5; txid++)
        {
            var next = states.MoveNextAsync().AsTask();
            _history.Grow(1);
            _history.Capture();
            await _history.Files.WriteAsync(source, Listing.ParseFile($"0:{txid}-{txid}").Key);
            Assert.True(await next.WaitAsync(s_patience));
            Assert.Equal((FollowOutcome.Applied, new Txid((ulong)txid)), (states.Current.Outcome, states.Current.Txid));
        }
    }

    [Fact]
    public async Task While_the_store_is_away_it_waits_longer_and_longer_and_then_goes_on()
    {
        var inner = await _history.Files.StoreAsync("0:1-1");
        var isAway = false;
        await using var states = FollowAsync(new FaultingStore(inner, _ => isAway ? StoreFault.Before : null));
        await NextAsync(states);
        isAway = true;
        var next = states.MoveNextAsync().AsTask();
        foreach (var (consecutive, seconds) in new[] { (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30) })
        {
            var failure = await NextFailureAsync();
            Assert.Equal((consecutive, TimeSpan.FromSeconds(seconds)), (failure.Consecutive, failure.RetryIn));
            Assert.IsType<ReplicaStoreException>(failure.Error);
        }

        _history.Grow(1);
        _history.Capture();
        await _history.Files.WriteAsync(inner, Listing.ParseFile("0:2-2").Key);
        isAway = false;
        await TickUntilAsync(next);
        Assert.Equal(FollowOutcome.Applied, states.Current.Outcome);
    }

    [Fact]
    public async Task That_it_works_again_is_told_once_also_when_nothing_is_new()
    {
        var isAway = false;
        using var stop = new CancellationTokenSource();
        await using var states = FollowAsync(
            new FaultingStore(await _history.Files.StoreAsync("0:1-1"), _ => Volatile.Read(ref isAway) ? StoreFault.Before : null),
            stop.Token);
        await NextAsync(states);
        Volatile.Write(ref isAway, true);
        var next = states.MoveNextAsync().AsTask();
        await NextFailureAsync();
        await NextFailureAsync();
        Volatile.Write(ref isAway, false);
        while (!_recoveries.Reader.TryPeek(out _))
        {
            await TickAsync(TimeSpan.FromSeconds(1));
        }

        for (var round = 0; round < 5; round++)
        {
            await TickAsync(TimeSpan.FromSeconds(1));
        }

        Assert.True(_recoveries.Reader.TryRead(out var failures));
        Assert.Equal(2, failures);
        Assert.False(_recoveries.Reader.TryPeek(out _));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    [Fact]
    public async Task A_replica_that_is_empty_at_a_restart_is_waited_for_where_the_database_has_a_state()
    {
        await using (var states = FollowAsync(await _history.Files.StoreAsync("0:1-1")))
        {
            await NextAsync(states);
        }

        var store = new MemoryStore();
        await using var again = FollowAsync(store);
        var next = again.MoveNextAsync().AsTask();
        Assert.IsType<NoMatchingBackupException>((await NextFailureAsync()).Error);
        await _history.Files.WriteAsync(store, Listing.ParseFile("0:1-1").Key);
        await TickUntilAsync(next);
        Assert.Equal((FollowOutcome.Resumed, new Txid(1)), (again.Current.Outcome, again.Current.Txid));
    }

    [Fact]
    public async Task What_somebody_can_mend_at_the_replica_is_waited_for_once_there_is_a_state()
    {
        var store = await _history.Files.StoreAsync("0:1-1");
        await using var states = FollowAsync(store);
        await NextAsync(states);
        _history.Grow(1);
        _history.Capture();
        var damaged = _history.Files.File(2, 2);
        damaged[^200] ^= 1;
        await _history.Files.WriteAsync(store, Listing.ParseFile("0:2-2").Key, damaged);
        var next = states.MoveNextAsync().AsTask();
        Assert.Contains("0/", (await NextFailureAsync()).Error.Message, StringComparison.Ordinal);
        await _history.Files.WriteAsync(store, Listing.ParseFile("0:2-2").Key);
        await TickUntilAsync(next);
        Assert.Equal(new Txid(2), states.Current.Txid);
    }

    [Fact]
    public async Task Without_a_first_state_what_does_not_pass_by_itself_ends_it()
    {
        await using (var states = FollowAsync(new MemoryStore()))
        {
            await Assert.ThrowsAsync<NoMatchingBackupException>(() => NextAsync(states));
        }

        _disk.WriteAllBytes(Output, [1, 2, 3]);
        await using (var states = FollowAsync(await _history.Files.StoreAsync("0:1-1")))
        {
            await Assert.ThrowsAsync<FollowException>(() => NextAsync(states));
        }

        Assert.Equal([1, 2, 3], _disk.ReadAllBytes(Output));
    }

    [Fact]
    public async Task A_cancelled_follower_ends_and_leaves_no_handle_and_no_temporary_file()
    {
        using var stop = new CancellationTokenSource();
        await using (var states = FollowAsync(await _history.Files.StoreAsync("0:1-1"), stop.Token))
        {
            await NextAsync(states);
            var next = states.MoveNextAsync().AsTask();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        }

        Assert.Equal(0, _disk.OpenHandles);
        Assert.Equal([Output, Output + "-follow", Output + "-txid"], _disk.AllFiles);
    }

    public void Dispose() => _history.Dispose();

    private static async Task<FollowPosition> NextAsync(IAsyncEnumerator<FollowPosition> states)
    {
        Assert.True(await states.MoveNextAsync());
        return states.Current;
    }

    private IAsyncEnumerator<FollowPosition> FollowAsync(IReplicaStore store, CancellationToken cancellationToken = default)
        => new Follower(store, _disk, _time)
            .FollowAsync(
                new FollowOptions
                {
                    OutputPath = Output,
                    Parallelism = 1,
                    OnFailure = failure => _failures.Writer.TryWrite(failure),
                    OnRecovery = failures => _recoveries.Writer.TryWrite(failures),
                },
                cancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);

    private async Task TickAsync(TimeSpan by)
    {
        _time.Advance(by);
        await Task.Yield();
    }

    private async Task TickUntilAsync(Task done)
    {
        while (!done.IsCompleted)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await TickAsync(TimeSpan.FromSeconds(30));
        }

        await done;
    }

    private async Task<FollowFailure> NextFailureAsync()
    {
        FollowFailure? failure;
        while (!_failures.Reader.TryRead(out failure))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await TickAsync(TimeSpan.FromSeconds(30));
        }

        return failure;
    }
}
