using System.Runtime.CompilerServices;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Simulation;

/// <summary>How one process reaches a store: a call may stall before it arrives or before its answer does, until somebody lets it go on.</summary>
/// <remarks>Stalled calls go on in the thread that lets them. When the process dies, what is under way arrives or does not, and nothing comes
/// after it.</remarks>
/// <param name="inner">The store.</param>
/// <param name="stalls">Asked at both ends of each call.</param>
internal sealed class Connection(IReplicaStore inner, Func<bool> stalls) : IReplicaStore
{
    private readonly Queue<TaskCompletionSource> _stalled = new();
    private TaskCompletionSource _arrival = new();
    private bool _isClosed;

    public string Name => inner.Name;

    public int StalledCalls => _stalled.Count;

    /// <summary>Ends when the next call stalls.</summary>
    public Task NextStall => _arrival.Task;

    /// <summary>Lets the call go on that stalled first.</summary>
    public void GoOn() => _stalled.Dequeue().SetResult();

    /// <summary>The process dies.</summary>
    /// <param name="arrives">Asked for each stalled call: whether it goes on to its end.</param>
    public void Close(Func<bool> arrives)
    {
        while (_stalled.TryDequeue(out var call))
        {
            _isClosed = !arrives();
            call.SetResult();
        }

        _isClosed = true;
    }

    public async IAsyncEnumerable<LtxFileInfo> ListAsync(
        Level level, Txid from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await StallAsync();
        await foreach (var file in inner.ListAsync(level, from, cancellationToken))
        {
            yield return file;
        }
    }

    public ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
        => CallAsync(() => inner.OpenAsync(key, offset, length, cancellationToken));

    public ValueTask<LtxFileInfo> WriteAsync(LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => CallAsync(() => inner.WriteAsync(key, created, content, cancellationToken));

    public ValueTask<LtxFileInfo> CreateAsync(LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => CallAsync(() => inner.CreateAsync(key, created, content, cancellationToken));

    public ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken) => CallAsync(() => inner.ReadClaimAsync(cancellationToken));

    public async ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken) => _ = await CallAsync(async () =>
    {
        await inner.WriteClaimAsync(claim, cancellationToken);
        return true;
    });

    public async ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
        => _ = await CallAsync(async () =>
        {
            await inner.DeleteAsync(keys, cancellationToken);
            return true;
        });

    private async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call)
    {
        await StallAsync();
        var answer = await call();
        await StallAsync();
        return answer;
    }

    private async ValueTask StallAsync()
    {
        ThrowIfClosed();
        if (stalls())
        {
            var call = new TaskCompletionSource();
            _stalled.Enqueue(call);
            (var arrival, _arrival) = (_arrival, new TaskCompletionSource());
            arrival.SetResult();
            await call.Task.ConfigureAwait(false);
            ThrowIfClosed();
        }
    }

    private void ThrowIfClosed()
    {
        if (_isClosed)
        {
            throw new IOException("The process that made this call is no more.");
        }
    }
}
