using Tidemark.Formats;
using Tidemark.Formats.Wal;

namespace Tidemark.Replicas.Legacy;

/// <summary>Takes a frame of a WAL that is proven.</summary>
/// <param name="page">Number of the page.</param>
/// <param name="content">The page.</param>
internal delegate void TakeFrame(uint page, ReadOnlySpan<byte> content);

/// <summary>Reads the parts of one WAL, one after the other, and proves each frame by its salts and the running checksum.</summary>
/// <remarks>What is wrong with a part is an <see cref="InvalidDataException"/> that says what. Used once.</remarks>
/// <param name="pageSize">The size that pages must have; null for whatever the WAL says.</param>
/// <param name="buffer">At least as large as a frame; may be used otherwise between two parts.</param>
internal sealed class LegacyWal(PageSize? pageSize, byte[] buffer)
{
    private WalHeader _header;
    private WalChecksum _checksum;

    /// <summary>Size of the pages, once a part was read.</summary>
    public PageSize PageSize => _header.PageSize;

    /// <summary>How many bytes of the WAL were read: where the next part begins.</summary>
    public long Length { get; private set; }

    /// <summary>Size of the database in pages after the last frame; 0 when that ends no transaction.</summary>
    public uint Commit { get; private set; }

    /// <summary>Reads a part. At its beginning, the WAL has a header.</summary>
    /// <param name="content">The part, expanded.</param>
    /// <param name="take">Takes each frame.</param>
    /// <param name="whenRead">Is called now and then.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async ValueTask ReadPartAsync(Stream content, TakeFrame take, Action? whenRead, CancellationToken cancellationToken)
    {
        if (Length == 0)
        {
            await ReadHeaderAsync(content, cancellationToken).ConfigureAwait(false);
        }

        var frameSize = WalFrameHeader.FrameSize(PageSize);
        var chunk = buffer.AsMemory(0, buffer.Length / frameSize * frameSize);
        int count;
        do
        {
            count = await content.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            if (count % frameSize != 0)
            {
                throw new InvalidDataException($"it ends within the frame at byte {Length + (count / frameSize * frameSize)} of the WAL");
            }

            for (var offset = 0; offset < count; offset += frameSize)
            {
                ReadFrame(chunk.Span.Slice(offset, frameSize), take);
                Length += frameSize;
            }

            whenRead?.Invoke();
        }
        while (count == chunk.Length);
    }

    private async ValueTask ReadHeaderAsync(Stream content, CancellationToken cancellationToken)
    {
        var bytes = buffer.AsMemory(0, WalHeader.Size);
        var count = await content.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        var fault = WalHeader.TryRead(bytes.Span[..count], out _header);
        if (fault != WalFault.None)
        {
            throw new InvalidDataException($"the header of the WAL is not valid: {fault}");
        }

        if (pageSize is { } expected && PageSize != expected)
        {
            throw new InvalidDataException($"its pages have {PageSize} bytes, but those of the snapshot have {expected}");
        }

        (Length, _checksum) = (WalHeader.Size, _header.Checksum);
    }

    private void ReadFrame(ReadOnlySpan<byte> frame, TakeFrame take)
    {
        var fault = WalFrameHeader.TryReadFrame(frame, _header, _checksum, out var header);
        if (fault != WalFault.None)
        {
            throw new InvalidDataException($"the frame at byte {Length} of the WAL is not valid: {fault}");
        }

        take(header.PageNumber, frame[WalFrameHeader.Size..]);
        (_checksum, Commit) = (header.Checksum, header.Commit);
    }
}
