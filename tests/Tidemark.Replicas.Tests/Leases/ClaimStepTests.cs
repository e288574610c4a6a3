using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Leases;

public sealed class ClaimStepTests
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(30);
    private static readonly Lineage s_a = new(0xa);
    private static readonly Lineage s_b = new(0xb);

    private readonly FakeTimeProvider _time = new();
    private readonly MemoryStore _store = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_writer_leaves_its_claim()
    {
        var a = Step(s_a);
        Assert.Equal(new ClaimResult(ClaimOutcome.None), await a.TakeAsync(Token));
        Assert.Equal(a.Own, WriterClaim.TryParse((await _store.ReadClaimAsync(Token))!));
        Assert.Equal(ClaimOutcome.Own, (await a.TakeAsync(Token)).Outcome);
    }

    [Fact]
    public async Task A_claim_that_was_not_taken_yet_is_taken_when_it_is_to_be_confirmed()
    {
        var before = Step(s_b);
        await before.TakeAsync(Token);
        var a = Step(s_a);
        Assert.Equal(new ClaimResult(ClaimOutcome.OtherWriter, before.Own), await a.ConfirmAsync(Token));
        Assert.Equal(new ClaimResult(ClaimOutcome.OtherWriter, before.Own), a.Finding);
        Assert.Equal(a.Own, WriterClaim.TryParse((await _store.ReadClaimAsync(Token))!));
        Assert.Equal(ClaimOutcome.Own, (await a.ConfirmNowAsync(Token)).Outcome);
        Assert.Equal(new ClaimResult(ClaimOutcome.OtherWriter, before.Own), a.Finding);
    }

    [Fact]
    public async Task The_store_is_asked_at_most_once_an_interval_and_only_when_something_is_to_be_written()
    {
        var counting = new FaultingStore(_store, _ => null);
        var a = Step(s_a, counting);
        await a.TakeAsync(Token);
        var calls = counting.Calls;
        for (var second = 0; second < 29; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await a.ConfirmAsync(Token);
        }

        Assert.Equal(calls, counting.Calls);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(calls, counting.Calls);
        await a.ConfirmAsync(Token);
        await a.ConfirmAsync(Token);
        Assert.Equal(calls + 1, counting.Calls);
    }

    [Fact]
    public async Task A_new_run_of_the_same_writer_takes_the_claim()
    {
        var before = Step(s_a);
        await before.TakeAsync(Token);
        var result = await Step(s_a).TakeAsync(Token);
        Assert.Equal(new ClaimResult(ClaimOutcome.EarlierRun, before.Own), result);
    }

    [Theory]
    [InlineData(0xb)] // another writer
    [InlineData(0xa)] // a copy of the first one
    public async Task Of_two_writers_that_live_both_stop(ulong second)
    {
        var a = Step(s_a);
        await a.TakeAsync(Token);
        var b = Step(new Lineage(second));
        await b.TakeAsync(Token);
        await a.ConfirmAsync(Token); // Its last answer is still good.

        _time.Advance(s_interval);
        var ofA = await Assert.ThrowsAsync<ReplicaConflictException>(async () => await a.ConfirmAsync(Token));
        var ofB = await Assert.ThrowsAsync<ReplicaConflictException>(async () => await b.ConfirmAsync(Token));

        Assert.Contains(b.Own.ToString(), ofA.Message, StringComparison.Ordinal);
        Assert.Contains(a.Own.ToString(), ofB.Message, StringComparison.Ordinal);
        Assert.All([ofA, ofB], failure => Assert.Contains("another URL", failure.Hint, StringComparison.Ordinal));
        Assert.Equal(second == 0xa, ofA.Message.Contains("a copy of the same spool", StringComparison.Ordinal));
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await a.ConfirmAsync(Token));
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await b.ConfirmAsync(Token));
    }

    [Fact]
    public async Task Of_two_writers_that_start_at_once_and_find_nothing_both_stop()
    {
        var b = Step(s_b);
        var a = Step(s_a, new FaultingStore(_store, _ => null)
        {
            BeforeCall = call =>
            {
                if (call == 2) // It has found nothing and is about to write.
                {
                    Assert.Equal(ClaimOutcome.None, b.TakeAsync(Token).AsTask().GetAwaiter().GetResult().Outcome);
                }
            },
        });
        Assert.Equal(ClaimOutcome.None, (await a.TakeAsync(Token)).Outcome);

        await a.ConfirmNowAsync(Token);
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await b.ConfirmNowAsync(Token));
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await a.ConfirmNowAsync(Token));
    }

    [Fact]
    public async Task A_contested_place_is_taken_by_who_starts_next_and_the_one_that_still_lives_stops()
    {
        var (a, b) = (Step(s_a), Step(s_b));
        await a.TakeAsync(Token);
        await b.TakeAsync(Token);
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await a.ConfirmNowAsync(Token));

        var again = Step(s_a);
        Assert.Equal(new ClaimResult(ClaimOutcome.Contested, a.Own with { IsContested = true }), await again.TakeAsync(Token));
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await b.ConfirmNowAsync(Token));
    }

    [Fact]
    public async Task A_claim_that_vanished_or_cannot_be_read_is_written_again()
    {
        var a = Step(s_a);
        await a.TakeAsync(Token);
        await _store.WriteClaimAsync("no claim", Token);
        Assert.Equal(new ClaimResult(ClaimOutcome.Unreadable), await a.ConfirmNowAsync(Token));
        Assert.Equal(a.Own.Format(), await _store.ReadClaimAsync(Token));
        await _store.WriteClaimAsync("no claim", Token);
        Assert.Equal(new ClaimResult(ClaimOutcome.Unreadable), await Step(s_b).TakeAsync(Token));
    }

    [Fact]
    public async Task A_writer_that_finds_a_foreign_file_tells_the_other_one()
    {
        var (a, b) = (Step(s_a), Step(s_b));
        await a.TakeAsync(Token);
        await b.TakeAsync(Token);

        var failure = await Assert.ThrowsAsync<ReplicaConflictException>(() => ContestAsync(a));

        Assert.Contains(b.Own.ToString(), failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await b.ConfirmNowAsync(Token));
    }

    [Fact]
    public async Task A_writer_whose_store_fails_meanwhile_tells_the_other_one_before_it_stops()
    {
        var isAway = false;
        var (a, b) = (Step(s_a, new FaultingStore(_store, _ => isAway ? StoreFault.Before : null)), Step(s_b));
        await a.TakeAsync(Token);
        await b.TakeAsync(Token);
        isAway = true;
        await Assert.ThrowsAsync<ReplicaStoreException>(() => ContestAsync(a));
        await Assert.ThrowsAsync<ReplicaStoreException>(async () => await a.ConfirmAsync(Token));
        await b.ConfirmNowAsync(Token);

        isAway = false;
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await a.ConfirmAsync(Token));
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await b.ConfirmNowAsync(Token));
    }

    [Fact]
    public async Task A_take_whose_answer_got_lost_is_repeated()
    {
        var a = Step(s_a, FaultingStore.FailingAt(_store, 2, StoreFault.After));
        await Assert.ThrowsAsync<ReplicaStoreException>(async () => await a.TakeAsync(Token));
        Assert.False(a.IsTaken);
        Assert.Equal(ClaimOutcome.Own, (await a.TakeAsync(Token)).Outcome);
    }

    private static Task ContestAsync(ClaimStep step) => step.ContestAsync(
        other => ReplicaConflictException.NameIsTaken("store", new LtxFileKey(Level.Captured, new(new Txid(1), new Txid(1))), step.Own, other),
        Token).AsTask();

    private ClaimStep Step(Lineage lineage, IReplicaStore? store = null) => new(store ?? _store, lineage, _time, s_interval);
}
