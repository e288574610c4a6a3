using System.Runtime.ExceptionServices;

namespace Tidemark.Formats.Ltx;

/// <summary>The file that LTX files become when they are merged, as a stream to be read once: of each page the newest version, without
/// those beyond the end of the newest database.</summary>
/// <remarks>
/// <para>Compressed pages are copied as they are. Every checksum of every file is verified on the way, and the last bytes are given out
/// only when all files are proven: what ends without a failure is a valid file.</para>
/// <para>The header takes size, time and proof of the state after from the newest file, first TXID and proof of the state before from the
/// oldest, and says nothing of a WAL. A merged file that begins at TXID 1 holds every page; where the newest file has a proof, they are
/// compared with it.</para>
/// <para>Memory does not grow with the files: 128 KB for each, a quarter of a megabyte, and the index of the new file unless that overflows.
/// Not thread-safe. It owns the files.</para>
/// </remarks>
public sealed class LtxMergeStream : Stream
{
    private readonly LtxMerge _merge;
    private readonly LtxMergeBuffer _buffer = new();
    private bool _isDisposed;

    /// <summary>Merges <paramref name="inputs"/>.</summary>
    /// <param name="inputs">The files, oldest first, which this owns from here on. Each continues the one before or overlaps it, and ends
    /// later; all have pages of one size.</param>
    /// <param name="lineage">Who merges.</param>
    /// <param name="indexOverflow">Makes a temporary read-write seekable stream, called at most once, when the index exceeds a few
    /// megabytes; it is closed at the end. Null keeps the index in memory.</param>
    /// <exception cref="ArgumentException">The files do not follow each other, or have pages of two sizes. They stay the
    /// caller's.</exception>
    public LtxMergeStream(IReadOnlyList<LtxMergeInput> inputs, Lineage lineage, Func<Stream>? indexOverflow = null)
        => _merge = new LtxMerge(inputs, lineage, indexOverflow);

    /// <summary>The header of the merged file.</summary>
    public LtxHeader Header => _merge.Header;

    /// <summary>Why the merge has failed, or null: for those who hand the stream to somebody whose own failure hides that of the
    /// stream.</summary>
    public Exception? Failure { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => !_isDisposed;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Reads the next bytes of the merged file; 0 at its end. After a failure, or a call that was cancelled, every further call
    /// fails in the same way.</summary>
    /// <exception cref="LtxFormatException">A file is damaged; the message names it.</exception>
    /// <exception cref="LtxMergeException">The files are not one history, or do not lead to the state that they should.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Failure is not null)
        {
            ExceptionDispatchInfo.Throw(Failure);
        }

        if (_buffer.IsEmpty)
        {
            await FillAsync(cancellationToken).ConfigureAwait(false);
        }

        return _buffer.Read(buffer.Span);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException("A merge is read asynchronously.");

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            await _merge.DisposeAsync().ConfigureAwait(false);
            _buffer.Dispose();
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _merge.FillAsync(_buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Failure = e;
            throw;
        }
    }
}
