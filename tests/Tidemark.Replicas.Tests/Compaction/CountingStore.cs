using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Stores;

namespace Tidemark.Replicas.Tests.Compaction;

/// <summary>Counts the streams that are open, and keeps which files were opened.</summary>
internal sealed class CountingStore(IReplicaStore inner) : StoreDecorator(inner)
{
    private int _open;

    /// <summary>Streams that are open now.</summary>
    public int Open => _open;

    /// <summary>The most that were open at once.</summary>
    public int OpenMax { get; private set; }

    /// <summary>Every file that was opened.</summary>
    public List<LtxFileKey> Opened { get; } = [];

    /// <summary>How a write fails whose content fails, or null when it fails as the content does.</summary>
    public Exception? WriteFailure { get; set; }

    public override async ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        var stream = await base.OpenAsync(key, offset, length, cancellationToken);
        Opened.Add(key);
        OpenMax = Math.Max(OpenMax, Interlocked.Increment(ref _open));
        var bytes = new MemoryStream();
        await using (stream)
        {
            await stream.CopyToAsync(bytes, cancellationToken);
        }

        return new CountedStream(bytes.ToArray(), () => Interlocked.Decrement(ref _open));
    }

    public override async ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
    {
        try
        {
            return await base.CreateAsync(key, created, content, cancellationToken);
        }
        catch (TidemarkException) when (WriteFailure is not null)
        {
            throw WriteFailure;
        }
    }

    private sealed class CountedStream(byte[] content, Action closed) : MemoryStream(content, writable: false)
    {
        private Action? _closed = closed;

        protected override void Dispose(bool disposing)
        {
            Interlocked.Exchange(ref _closed, null)?.Invoke();
            base.Dispose(disposing);
        }
    }
}
