using System.Globalization;
using System.Runtime.CompilerServices;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Stores;

/// <summary>A replica in memory, for tests and simulations.</summary>
public sealed class MemoryStore : IReplicaStore
{
    private static int s_count;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<LtxFileKey, StoredFile> _files = new(
        Comparer<LtxFileKey>.Create((a, b) => a.Level != b.Level ? a.Level.CompareTo(b.Level) : a.Name.CompareTo(b.Name)));

    private string? _claim;

    /// <summary>How messages call this store.</summary>
    /// <value>Another one for each store by default: each is a place of its own.</value>
    public string Name { get; init; } = string.Create(CultureInfo.InvariantCulture, $"memory:{Interlocked.Increment(ref s_count)}");

    /// <inheritdoc/>
    public async IAsyncEnumerable<LtxFileInfo> ListAsync(
        Level level, Txid from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await ValueTask.CompletedTask.ConfigureAwait(false);
        List<LtxFileInfo> found;
        lock (_gate)
        {
            found = [.. _files
                .Where(file => file.Key.Level == level && file.Key.Name.MinTxid >= from)
                .Select(file => new LtxFileInfo(file.Key, file.Value.Content.Length, file.Value.Created))];
        }

        foreach (var file in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return file;
        }
    }

    /// <inheritdoc/>
    public ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        lock (_gate)
        {
            if (!_files.TryGetValue(key, out var file))
            {
                throw new ReplicaFileNotFoundException(Name, key);
            }

            var start = (int)Math.Min(offset, file.Content.Length);
            var count = (int)Math.Min(length ?? long.MaxValue, file.Content.Length - start);
            return ValueTask.FromResult<Stream>(new MemoryStream(file.Content, start, count, writable: false));
        }
    }

    /// <inheritdoc/>
    public ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(key, created, content, replaces: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(key, created, content, replaces: false, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return ValueTask.FromResult(_claim);
        }
    }

    /// <inheritdoc/>
    public ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            _claim = claim;
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            foreach (var key in keys)
            {
                _files.Remove(key);
            }
        }

        return ValueTask.CompletedTask;
    }

    private async ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, bool replaces, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var buffer = new MemoryStream();
        await content.CopyToAsync(buffer, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (!replaces && _files.ContainsKey(key))
            {
                throw new ReplicaFileExistsException(Name, key);
            }

            _files[key] = new StoredFile(buffer.ToArray(), created);
        }

        return new LtxFileInfo(key, buffer.Length, created);
    }

    private sealed record StoredFile(byte[] Content, DateTimeOffset Created);
}
