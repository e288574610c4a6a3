namespace Tidemark.Formats.Ltx;

/// <summary>Writes one LTX file to a stream: header, pages in ascending order, index, trailer.</summary>
/// <remarks>
/// Synchronous, since it writes to local disks and pipes. Pages of a batch are compressed on several cores. Memory is bounded: the index moves to
/// <c>indexOverflow</c> when it grows large. Not thread-safe. Disposing does not close the destination.
/// </remarks>
public sealed class LtxWriter : IDisposable
{
    /// <summary>Starts a file: writes <paramref name="header"/>.</summary>
    /// <param name="destination">Where the file goes. It is written in order; only <see cref="Complete(LtxHeader)"/> with another header seeks back.</param>
    /// <param name="header">The header.</param>
    /// <param name="indexOverflow">Makes a temporary read-write seekable stream, called at most once, when the index exceeds a few megabytes. Null keeps it in memory.</param>
    /// <param name="parallelism">How many cores compress pages, at least 1.</param>
    /// <exception cref="ArgumentException">The header is not valid.</exception>
    public LtxWriter(Stream destination, LtxHeader header, Func<Stream>? indexOverflow = null, int parallelism = 1) => throw new NotImplementedException();

    /// <summary>Bytes written so far, or of the whole file when it is complete.</summary>
    public long Length => throw new NotImplementedException();

    /// <summary>Pages written so far.</summary>
    public long PageCount => throw new NotImplementedException();

    /// <summary>Writes a batch of pages. Larger batches use more cores; a few hundred pages are enough.</summary>
    /// <param name="pageNumbers">Ascending, above all pages before; for a snapshot without holes except for the lock page.</param>
    /// <param name="pages">The pages' bytes, one after the other.</param>
    /// <exception cref="ArgumentException">Page number order, range or length is wrong.</exception>
    public void WritePages(ReadOnlyMemory<uint> pageNumbers, ReadOnlyMemory<byte> pages) => throw new NotImplementedException();

    /// <summary>Writes the end of the file with the header it was started with.</summary>
    public void Complete() => throw new NotImplementedException();

    /// <summary>Writes the end of the file and puts <paramref name="finalHeader"/> in the place of the first one (the destination must be seekable), for
    /// what is known only after all pages were seen. The file checksum covers the final header.</summary>
    public void Complete(LtxHeader finalHeader) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
