namespace Tidemark.Formats.Ltx;

/// <summary>An LTX file of which any part can be read: a file on disk, an object in a store.</summary>
/// <remarks>Safe to call from several threads.</remarks>
public interface ILtxSource
{
    /// <summary>Length of the file in bytes.</summary>
    long Length { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on. The range lies within
    /// <see cref="Length"/>.</summary>
    /// <exception cref="EndOfStreamException">The file turned out to be shorter.</exception>
    ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken);
}
