using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>A stream for reading once whose failures are those of its store. It owns the inner stream.</summary>
internal sealed class TranslatingStream(Stream inner, Func<Exception, ReplicaStoreException> translate) : ReadOnceStream
{
    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return inner.Read(buffer);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw translate(e);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw translate(e);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
