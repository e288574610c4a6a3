using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Leases;

/// <summary>Which writers are taken to be gone.</summary>
public sealed class HolderWatchTests
{
    private readonly MemoryStore _store = new();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow()); // Processes really begin at some time.
    private readonly HolderWatch _watch;

    public HolderWatchTests() => _watch = new HolderWatch(
        _store, new ClaimStep(_store, new Lineage(1), _time, TimeSpan.FromSeconds(30)), _time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private DateTimeOffset Now => _time.GetUtcNow();

    [Fact]
    public async Task A_place_without_a_claim_is_free() => await _watch.ThrowIfHeldAsync(Now, Token);

    [Fact]
    public async Task A_writer_of_another_machine_is_gone_when_its_claim_and_its_newest_file_are_old()
    {
        await WriteAsync(Elsewhere(Now));
        var failure = await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(null, Token));
        Assert.True(failure.IsTransient);
        Assert.Contains("web-1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("120 seconds", failure.Hint, StringComparison.Ordinal);
        Assert.Contains("-take-over", failure.Hint, StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromSeconds(100));
        failure = await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(null, Token));
        Assert.Contains("free 20 seconds", failure.Hint, StringComparison.Ordinal);
        var written = Now;
        await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(written, Token));

        _time.Advance(HolderWatch.QuietTime);
        await _watch.ThrowIfHeldAsync(written, Token);
        await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(Now, Token));
    }

    [Fact]
    public async Task A_writer_whose_clock_is_ahead_is_gone_when_nothing_has_changed_for_as_long()
    {
        await WriteAsync(Elsewhere(Now.AddHours(5)));
        await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(null, Token));
        _time.Advance(HolderWatch.QuietTime);
        await _watch.ThrowIfHeldAsync(null, Token);
    }

    [Fact]
    public async Task A_writer_that_ended_in_order_holds_nothing_and_one_that_took_the_place_again_does()
    {
        var other = new ClaimStep(_store, new Lineage(2), _time, TimeSpan.FromSeconds(30));
        await other.TakeAsync(Token);
        await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(null, Token));
        await other.ReleaseAsync(Token);
        await _watch.ThrowIfHeldAsync(null, Token);
        await other.ConfirmAsync(Token);
        await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(null, Token));
    }

    [Fact]
    public async Task A_claim_that_another_writer_has_taken_is_not_released()
    {
        var (first, second) = (Step(2), Step(3));
        await first.TakeAsync(Token);
        await second.TakeAsync(Token);
        await first.ReleaseAsync(Token);
        Assert.Equal(second.Own.Format(), await _store.ReadClaimAsync(Token));
        await Assert.ThrowsAsync<ReplicaConflictException>(async () => await first.ConfirmNowAsync(Token));
    }

    [Fact]
    public async Task Of_a_process_of_this_machine_it_is_known_whether_it_runs()
    {
        using var process = Process.Start("sleep", "1000");
        var here = WriterClaim.ForThisProcess(new Lineage(2), TimeProvider.System.GetUtcNow()) with { ProcessId = process.Id };
        try
        {
            await WriteAsync(here);
            _time.SetUtcNow(here.Since.AddHours(1));
            var failure = await Assert.ThrowsAsync<ReplicaHeldException>(async () => await _watch.ThrowIfHeldAsync(null, Token));
            Assert.Contains("of this machine", failure.Message, StringComparison.Ordinal);

            // The number is that of another process now.
            await WriteAsync(here with { Since = here.Since.AddDays(-1) });
            await _watch.ThrowIfHeldAsync(null, Token);
        }
        finally
        {
            process.Kill();
        }

        await process.WaitForExitAsync(Token);
        await WriteAsync(here with { Since = _time.GetUtcNow() });
        await _watch.ThrowIfHeldAsync(_time.GetUtcNow(), Token);
    }

    private static WriterClaim Elsewhere(DateTimeOffset since)
        => WriterClaim.ForThisProcess(new Lineage(2), since) with { Host = "web-1" };

    private ClaimStep Step(ulong lineage) => new(_store, new Lineage(lineage), _time, TimeSpan.FromSeconds(30));

    private async Task WriteAsync(WriterClaim claim) => await _store.WriteClaimAsync(claim.Format(), Token);
}
