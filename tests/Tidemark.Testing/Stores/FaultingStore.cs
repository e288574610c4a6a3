using System.Runtime.CompilerServices;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Testing.Stores;

/// <summary>Lets calls of another store fail, as a rule decides.</summary>
/// <param name="inner">Where the files are.</param>
/// <param name="rule">Asked before each call, with its number from 1; null lets the call through.</param>
public sealed class FaultingStore(IReplicaStore inner, Func<int, StoreFault?> rule) : StoreDecorator(inner)
{
    private int _calls;

    /// <summary>How many calls there were.</summary>
    public int Calls => _calls;

    /// <summary>Called before each call, with its number.</summary>
    public Action<int>? BeforeCall { get; init; }

    /// <summary>A store whose n-th call fails, counted from 1.</summary>
    public static FaultingStore FailingAt(IReplicaStore inner, int call, StoreFault fault)
        => new(inner, number => number == call ? fault : null);

    /// <summary>A store whose calls fail at random, by a seed.</summary>
    /// <param name="inner">Where the files are.</param>
    /// <param name="seed">Decides which calls fail, and how.</param>
    /// <param name="probability">How often a call fails, from 0 to 1.</param>
    public static FaultingStore Seeded(IReplicaStore inner, int seed, double probability)
    {
        var gate = new Lock();
        var random = new Random(seed);
        return new FaultingStore(inner, _ =>
        {
            lock (gate)
            {
                return random.NextDouble() < probability ? (StoreFault)random.Next((int)StoreFault.Midway + 1) : null;
            }
        });
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<LtxFileInfo> ListAsync(
        Level level, Txid from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fault = Next();
        ThrowIf(fault is StoreFault.Before or StoreFault.NotFound, "before listing");
        var count = 0;
        await foreach (var file in Inner.ListAsync(level, from, cancellationToken))
        {
            yield return file;
            ThrowIf(fault == StoreFault.Midway && ++count == 2, "while listing");
        }

        ThrowIf(fault is StoreFault.After or StoreFault.Midway, "after listing");
    }

    /// <inheritdoc/>
    public override async ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        var fault = Next();
        ThrowIf(fault == StoreFault.Before, "before opening");
        if (fault == StoreFault.NotFound)
        {
            throw new ReplicaFileNotFoundException(Name, key);
        }

        var stream = await Inner.OpenAsync(key, offset, length, cancellationToken);
        if (fault is null)
        {
            return stream;
        }

        await using (stream)
        {
            var whole = new MemoryStream();
            await stream.CopyToAsync(whole, cancellationToken);
            var breaksAt = (int)whole.Length / (fault == StoreFault.Midway ? 2 : 1);
            return new BreakingStream(whole.ToArray(), breaksAt, Failure("while reading"));
        }
    }

    /// <inheritdoc/>
    public override ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(content, () => Inner.WriteAsync(key, created, content, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(content, () => Inner.CreateAsync(key, created, content, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken)
    {
        ThrowIf(Next() is not null, "while reading the claim");
        return await Inner.ReadClaimAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override async ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
    {
        var fault = Next();
        ThrowIf(fault is StoreFault.Before or StoreFault.NotFound or StoreFault.Midway, "before writing the claim");
        await Inner.WriteClaimAsync(claim, cancellationToken);
        ThrowIf(fault == StoreFault.After, "after writing the claim");
    }

    /// <inheritdoc/>
    public override async ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
    {
        var fault = Next();
        ThrowIf(fault is StoreFault.Before or StoreFault.NotFound, "before deleting");
        if (fault == StoreFault.Midway)
        {
            await Inner.DeleteAsync([.. keys.Take(keys.Count / 2)], cancellationToken);
            throw Failure("while deleting");
        }

        await Inner.DeleteAsync(keys, cancellationToken);
        ThrowIf(fault == StoreFault.After, "after deleting");
    }

    private async ValueTask<LtxFileInfo> WriteAsync(
        Stream content, Func<ValueTask<LtxFileInfo>> write, CancellationToken cancellationToken)
    {
        var fault = Next();
        ThrowIf(fault is StoreFault.Before or StoreFault.NotFound, "before writing");
        if (fault == StoreFault.Midway)
        {
            var half = new byte[1];
            _ = await content.ReadAsync(half, cancellationToken);
            throw Failure("while writing");
        }

        var file = await write();
        ThrowIf(fault == StoreFault.After, "after writing");
        return file;
    }

    private StoreFault? Next()
    {
        var call = Interlocked.Increment(ref _calls);
        BeforeCall?.Invoke(call);
        return rule(call);
    }

    private ReplicaStoreException Failure(string when) => new($"{Name}: an injected fault {when}.", null) { IsTransient = true };

    private void ThrowIf(bool fails, string when)
    {
        if (fails)
        {
            throw Failure(when);
        }
    }
}
