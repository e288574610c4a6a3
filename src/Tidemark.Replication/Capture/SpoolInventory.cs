using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Capture;

/// <summary>What is known of the files of a spool without looking at the disk: their sizes, and the digests of those that this process
/// wrote.</summary>
/// <remarks>Thread-safe: destinations that have shipped clean up from their own threads. Few are ever written at once, and most spools of a
/// process rest: small tables, without the room that many writers need.</remarks>
internal sealed class SpoolInventory
{
    // A spool that grows because a destination is away must not grow in memory too.
    private const int DigestsMax = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<LtxFileKey, UInt128> _digests = [];
    private readonly Dictionary<LtxFileKey, long> _sizes = [];
    private long _captureBytes;
    private long _imageBytes;

    /// <summary>How many bytes of captures there are.</summary>
    public long CaptureBytes
    {
        get
        {
            lock (_gate)
            {
                return _captureBytes;
            }
        }
    }

    /// <summary>How many bytes of captures and images there are.</summary>
    public long SizeBytes
    {
        get
        {
            lock (_gate)
            {
                return _captureBytes + _imageBytes;
            }
        }
    }

    /// <summary>A file that was there before.</summary>
    public void Add(LtxFileKey key, long sizeBytes)
    {
        lock (_gate)
        {
            Count(key, sizeBytes);
        }
    }

    /// <summary>A file that was written now, in the place of another one or not. Null for a digest that is not known.</summary>
    public void Add(LtxFileKey key, long sizeBytes, UInt128? digest)
    {
        lock (_gate)
        {
            _digests.Remove(key);
            if (digest is { } known && _digests.Count < DigestsMax)
            {
                _digests[key] = known;
            }

            Count(key, sizeBytes);
        }
    }

    /// <summary>A file that is not there any more.</summary>
    public void Remove(LtxFileKey key)
    {
        lock (_gate)
        {
            _digests.Remove(key);
            if (_sizes.Remove(key, out var sizeBytes))
            {
                Count(key.Level, -sizeBytes);
            }
        }
    }

    /// <summary>Removes those of which a predicate says that they are not there any more.</summary>
    public void Remove(Func<LtxFileKey, bool> isLost)
    {
        lock (_gate)
        {
            foreach (var key in _sizes.Keys.Where(isLost).ToArray())
            {
                Remove(key);
            }
        }
    }

    /// <summary>Size of a file in bytes; 0 when it is not known.</summary>
    public long SizeOf(LtxFileKey key)
    {
        lock (_gate)
        {
            return _sizes.GetValueOrDefault(key);
        }
    }

    /// <summary>Digest of a file that this process wrote; null when that is not known.</summary>
    public UInt128? DigestOf(LtxFileKey key)
    {
        lock (_gate)
        {
            return _digests.TryGetValue(key, out var digest) ? digest : null;
        }
    }

    // Within the gate, as what follows.
    private void Count(LtxFileKey key, long sizeBytes)
    {
        Count(key.Level, sizeBytes - _sizes.GetValueOrDefault(key));
        _sizes[key] = sizeBytes;
    }

    private void Count(Level level, long sizeBytes)
    {
        if (level == Level.Captured)
        {
            _captureBytes += sizeBytes;
        }
        else
        {
            _imageBytes += sizeBytes;
        }
    }
}
