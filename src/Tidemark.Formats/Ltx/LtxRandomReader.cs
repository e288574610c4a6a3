using System.Buffers;
using System.Buffers.Binary;

namespace Tidemark.Formats.Ltx;

/// <summary>Reads single pages of an LTX file, by the page index at its end, without reading the rest of the file.</summary>
/// <remarks>
/// Header, index and trailer are checked against each other and against the length of the file. The file checksum is not: it covers all
/// pages, and who reads a few cannot know it. Thread-safe; does not close the source.
/// </remarks>
public sealed class LtxRandomReader
{
    /// <summary>The shortest file there is: one without pages.</summary>
    internal const int FileLengthMin = LtxHeader.Size + LtxFrameHeader.Size + 1 + TailLength;

    // The index size and the trailer.
    private const int TailLength = sizeof(ulong) + LtxTrailer.Size;

    // The first request brings the index of most files with it.
    private const int FirstReadLength = 32 * 1024;
    private const int NextReadLength = 1024 * 1024;

    private readonly ILtxSource _source;
    private readonly string _name;

    private LtxRandomReader(ILtxSource source, string name, LtxHeader header, LtxTrailer trailer, LtxPageIndex index)
        => (_source, _name, Header, Trailer, Index) = (source, name, header, trailer, index);

    /// <summary>The header.</summary>
    public LtxHeader Header { get; }

    /// <summary>The trailer.</summary>
    public LtxTrailer Trailer { get; }

    /// <summary>Which pages the file holds, and where.</summary>
    public LtxPageIndex Index { get; }

    /// <summary>Reads header, index and trailer: in one request for a small file, in two or three for most others.</summary>
    /// <param name="source">The file.</param>
    /// <param name="name">How errors call the file.</param>
    /// <param name="cancellationToken">Stops between two requests.</param>
    /// <exception cref="LtxFormatException">The file is damaged or is not one.</exception>
    public static async Task<LtxRandomReader> OpenAsync(ILtxSource source, string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var length = source.Length;
        if (length < FileLengthMin)
        {
            throw new LtxFormatException(LtxFault.Truncated, name, length);
        }

        var tailLength = (int)Math.Min(length, FirstReadLength);
        var buffer = ArrayPool<byte>.Shared.Rent(tailLength);
        try
        {
            var tail = buffer.AsMemory(0, tailLength);
            await source.ReadAsync(length - tailLength, tail, cancellationToken).ConfigureAwait(false);
            var window = new LtxTailWindow(source, tail);
            var header = await ReadHeaderAsync(window, name, cancellationToken).ConfigureAwait(false);
            if (LtxTrailer.TryRead(tail.Span[^LtxTrailer.Size..], header, out var trailer) is not LtxFault.None and var fault)
            {
                throw new LtxFormatException(fault, name, length - LtxTrailer.Size);
            }

            var indexLength = BinaryPrimitives.ReadUInt64BigEndian(tail.Span[^TailLength..]);
            var index = await ReadIndexAsync(window, name, header, indexLength, cancellationToken).ConfigureAwait(false);
            return new LtxRandomReader(source, name, header, trailer, index);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads one page; false when the file does not hold it.</summary>
    /// <param name="pageNumber">The page.</param>
    /// <param name="page">Room for one page.</param>
    /// <param name="cancellationToken">Stops the read; then the contents of <paramref name="page"/> mean nothing.</param>
    /// <exception cref="LtxFormatException">The frame is not what the index says, or does not expand to exactly one page.</exception>
    public async ValueTask<bool> TryReadPageAsync(uint pageNumber, Memory<byte> page, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(page.Length, Header.PageSize.Bytes, nameof(page));
        if (!Index.TryFind(pageNumber, out var location))
        {
            return false;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(location.Length);
        try
        {
            var frame = buffer.AsMemory(0, location.Length);
            await _source.ReadAsync(location.Offset, frame, cancellationToken).ConfigureAwait(false);
            Expand(pageNumber, location.Offset, frame.Span, page.Span[..Header.PageSize.Bytes]);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask<LtxHeader> ReadHeaderAsync(LtxTailWindow window, string name, CancellationToken cancellationToken)
    {
        var bytes = new byte[LtxHeader.Size];
        await window.ReadAsync(0, bytes, cancellationToken).ConfigureAwait(false);
        return LtxHeader.TryRead(bytes, out var header) is not LtxFault.None and var fault
            ? throw new LtxFormatException(fault, name, 0)
            : header;
    }

    private static async ValueTask<LtxPageIndex> ReadIndexAsync(
        LtxTailWindow window, string name, LtxHeader header, ulong indexLength, CancellationToken cancellationToken)
    {
        var indexEnd = window.Length - TailLength;
        if (indexLength == 0 || indexLength > (ulong)(indexEnd - LtxHeader.Size - LtxFrameHeader.Size))
        {
            throw new LtxFormatException(LtxFault.IndexSizeMismatch, name, indexEnd);
        }

        var framesEnd = indexEnd - (long)indexLength - LtxFrameHeader.Size;
        var parser = new LtxPageIndexParser(name, header, framesEnd);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(NextReadLength, indexEnd - framesEnd));
        try
        {
            // An entry at the end of the buffer may be cut off; the next read begins with it.
            for (var at = framesEnd; at < indexEnd;)
            {
                var chunk = buffer.AsMemory(0, (int)Math.Min(buffer.Length, indexEnd - at));
                await window.ReadAsync(at, chunk, cancellationToken).ConfigureAwait(false);
                at += parser.Read(chunk.Span);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return parser.Complete();
    }

    private void Expand(uint pageNumber, long offset, ReadOnlySpan<byte> frame, Span<byte> page)
    {
        var fault = LtxFrameHeader.TryRead(frame, out var header);
        if (fault == LtxFault.None)
        {
            fault = LtxFrame.TryMeasure(frame, header, Header.PageSize, out var length);
            fault = fault == LtxFault.None && (header.PageNumber != pageNumber || length != frame.Length) ? LtxFault.IndexMismatch : fault;
        }

        if (fault != LtxFault.None)
        {
            throw new LtxFormatException(fault, _name, offset, $"page {pageNumber}: {LtxFaultText.Describe(fault)}");
        }

        LtxFrame.Expand(frame, page, _name, offset, pageNumber);
    }
}
