using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Upload;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Upload;

/// <summary>It is a store like any other.</summary>
public sealed class PatientStoreContractTests : ReplicaStoreContract
{
    protected override IReplicaStore CreateStore() => new PatientStore(new MemoryStore(), TimeProvider.System, static (_, _) => { });
}

/// <summary>What hangs is told of, given up, and not asked again until it has come back.</summary>
public sealed class PatientStoreTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _told = [];
    private readonly HangingStore _inner = new();
    private readonly PatientStore _store;

    public PatientStoreTests() => _store = new PatientStore(_inner, _time, (what, _) => _told.Add(what));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _inner.Dispose();

    [Fact]
    public async Task A_call_that_does_not_come_back_is_told_of_once_and_given_up()
    {
        var reading = _store.ReadClaimAsync(Token).AsTask();
        await AdvanceUntilAsync(reading);

        var failure = await Assert.ThrowsAsync<ReplicaStoreException>(() => reading);
        Assert.True(failure.IsTransient);
        Assert.Equal($"{_store.Name} does not answer: reading who writes there has not moved for 5 minutes.", failure.Message);
        Assert.Equal(["reading who writes there"], _told);
    }

    [Fact]
    public async Task Nothing_more_is_asked_until_the_call_that_was_given_up_has_ended()
    {
        var reading = _store.ReadClaimAsync(Token).AsTask();
        await AdvanceUntilAsync(reading);
        await Assert.ThrowsAsync<ReplicaStoreException>(() => reading);

        var failure = await Assert.ThrowsAsync<ReplicaStoreException>(async () => await _store.WriteClaimAsync("mine", Token));
        Assert.Contains("still has not come back", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, _inner.Calls);
        _inner.Answer();
        while (true)
        {
            try
            {
                Assert.Null(await _store.ReadClaimAsync(Token));
                break;
            }
            catch (ReplicaStoreException)
            {
                await Task.Yield(); // The answer is on its way.
            }
        }
    }

    [Fact]
    public async Task A_call_that_is_cancelled_comes_back_though_its_thread_hangs()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reading = _store.ReadClaimAsync(cancel.Token).AsTask();

        await cancel.CancelAsync();
        await AdvanceUntilAsync(reading);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Empty(_told);
    }

    [Fact]
    public async Task A_write_that_moves_is_waited_for_however_long_it_takes()
    {
        using var content = new SlowStream();
        var writing = _store.CreateAsync(
            new LtxFileKey(Level.Captured, new LtxFileName(Txid.First, Txid.First)), _time.GetUtcNow(), content, Token).AsTask();
        for (var i = 0; i < 10; i++)
        {
            await content.Asked.WaitAsync(Token);
            for (var round = 0; round < 8; round++)
            {
                _time.Advance(TimeSpan.FromSeconds(30)); // Ten of them would be too many.
                await Task.Yield();
            }

            content.Bytes.Release();
        }

        await content.Asked.WaitAsync(Token);
        content.IsAtEnd = true;
        content.Bytes.Release();

        Assert.Equal(10, (await writing).SizeBytes);
    }

    private async Task AdvanceUntilAsync(Task call)
    {
        while (!call.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    private sealed class HangingStore() : StoreDecorator(new MemoryStore()), IDisposable
    {
        private readonly ManualResetEventSlim _answer = new();

        public int Calls { get; private set; }

        public void Answer() => _answer.Set();

        public override ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken)
        {
            Calls++;
            _answer.Wait(CancellationToken.None); // As a system call on a disk that is gone: it hears of no token.
            return base.ReadClaimAsync(CancellationToken.None);
        }

        public void Dispose() => _answer.Set();
    }

    /// <summary>Gives one byte when the test says so.</summary>
    private sealed class SlowStream : MemoryStream
    {
        public SemaphoreSlim Asked { get; } = new(0);

        public SemaphoreSlim Bytes { get; } = new(0);

        public bool IsAtEnd { get; set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Asked.Release();
            await Bytes.WaitAsync(cancellationToken);
            buffer.Span[0] = 1;
            return IsAtEnd ? 0 : 1;
        }
    }
}
