using System.Collections.Concurrent;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Stores;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>Notes what is opened of another store, and lets it wait, fail, or break off.</summary>
/// <param name="inner">Where the files are.</param>
/// <param name="whenOpened">Runs before each file is opened. Null for nothing.</param>
internal sealed class OpenHookedStore(IReplicaStore inner, Func<Task>? whenOpened = null) : StoreDecorator(inner)
{
    private readonly ConcurrentQueue<(long Offset, long? Length)> _requests = new();

    /// <summary>What was opened: from where, and how much.</summary>
    public IReadOnlyCollection<(long Offset, long? Length)> Requests => _requests;

    /// <summary>For which files <c>whenOpened</c> runs; all unless set.</summary>
    public Func<LtxFileKey, bool> Breaks { get; init; } = _ => true;

    /// <summary>After how many bytes what was opened breaks off, at its end at the latest. Null for never.</summary>
    public int? BreaksAfter { get; init; }

    public override async ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        _requests.Enqueue((offset, length));
        if (whenOpened is not null && Breaks(key))
        {
            await whenOpened();
        }

        var content = await Inner.OpenAsync(key, offset, length, cancellationToken);
        if (BreaksAfter is not { } breaksAfter)
        {
            return content;
        }

        await using (content)
        {
            using var whole = new MemoryStream();
            await content.CopyToAsync(whole, cancellationToken);
            return whole.Length == 0
                ? new MemoryStream()
                : new BreakingStream(
                    whole.ToArray(), breaksAfter, new ReplicaStoreException($"{Name}: broken off.", null) { IsTransient = true });
        }
    }
}
