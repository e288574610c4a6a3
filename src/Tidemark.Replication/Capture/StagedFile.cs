using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Capture;

/// <summary>A file of the spool that is written, but not durable and without its name yet. Published, or gone when it is
/// disposed.</summary>
internal sealed class StagedFile(Spool spool, string temporaryPath, LtxFileKey key, long sizeBytes, UInt128? digest) : IDisposable
{
    /// <summary>Its level and name to be.</summary>
    public LtxFileKey Key => key;

    /// <summary>Its size.</summary>
    public long SizeBytes => sizeBytes;

    /// <summary>Digest of what was written, if it is known.</summary>
    public UInt128? Digest => digest;

    /// <summary>Where it lies until then.</summary>
    public string TemporaryPath => temporaryPath;

    /// <summary>Makes the file durable and gives it its name.</summary>
    public void Publish() => spool.Publish(this);

    public void Dispose() => spool.Discard(this);
}
