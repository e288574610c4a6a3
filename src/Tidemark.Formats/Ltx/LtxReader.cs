namespace Tidemark.Formats.Ltx;

/// <summary>Reads one LTX file from a stream, once and in order, and checks everything the format promises.</summary>
/// <remarks>
/// <code>
///   ReadHeaderAsync, ReadPartAsync until it returns false, ReadTrailerAsync
/// </code>
/// Reading walks over frame headers only; expanding pages is left to <see cref="LtxPart.Decode"/>, which can run on other cores. What is read is
/// proven only when <see cref="Finish"/> has returned, so nothing may be published before. Not thread-safe; does not close the stream.
/// </remarks>
public sealed class LtxReader : IDisposable
{
    /// <summary>Reads from <paramref name="source"/>; <paramref name="name"/> is how errors call the file.</summary>
    public LtxReader(Stream source, string name) => throw new NotImplementedException();

    /// <summary>The header, after <see cref="ReadHeaderAsync"/>.</summary>
    public LtxHeader Header => throw new NotImplementedException();

    /// <summary>Reads and checks the header. Must be the first call.</summary>
    /// <exception cref="LtxFormatException">It is not valid, or the stream ends.</exception>
    public ValueTask<LtxHeader> ReadHeaderAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Fills <paramref name="part"/> with the next frames: at least one, and as many as fit into about a megabyte of expanded pages.</summary>
    /// <returns>False when all pages were read; the part is then empty.</returns>
    /// <exception cref="LtxFormatException">A frame is not valid: flags, order, range, size.</exception>
    public ValueTask<bool> ReadPartAsync(LtxPart part, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Hands in the checksum of a decoded part. Every part, in the order in which they were read; any time before <see cref="Finish"/>.</summary>
    public void AddPartChecksum(ulong crc, long logicalLength) => throw new NotImplementedException();

    /// <summary>Reads index and trailer, and checks that the index names exactly the frames that were read, that a snapshot is complete, and that
    /// nothing follows.</summary>
    public ValueTask<LtxTrailer> ReadTrailerAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Checks the file checksum, from the parts' checksums and the rest. After all else.</summary>
    public void Finish() => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
