namespace Tidemark.Formats.Ltx;

/// <summary>A file that is merged with others: read frame by frame, and checked as <see cref="LtxReader"/> checks.</summary>
/// <remarks>It costs a small fixed buffer whatever the size of the file, and owns the stream. Not thread-safe.</remarks>
public sealed class LtxMergeInput : IAsyncDisposable
{
    private readonly Stream _content;
    private readonly LtxReader _reader;
    private bool _isDisposed;

    private LtxMergeInput(Stream content, string name)
    {
        (_content, Name) = (content, name);
        _reader = new LtxReader(content, name, LtxInput.FirstBufferSize);
    }

    /// <summary>How errors call the file.</summary>
    public string Name { get; }

    /// <summary>The header. Like everything in the file it is proven only when the merge has come to its end.</summary>
    public LtxHeader Header => _reader.Header;

    /// <summary>The page of the frame at hand.</summary>
    internal uint PageNumber => _reader.FramePageNumber;

    /// <summary>The frame at hand, as it stands in the file.</summary>
    internal ReadOnlySpan<byte> Frame => _reader.Frame;

    /// <summary>Reads the header of a file.</summary>
    /// <param name="content">The file from its beginning. It is disposed with the input, and when this call fails.</param>
    /// <param name="name">How errors call the file.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="LtxFormatException">The header is not valid, or the stream ends.</exception>
    public static async ValueTask<LtxMergeInput> OpenAsync(Stream content, string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        var input = new LtxMergeInput(content, name);
        try
        {
            await input._reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            return input;
        }
        catch
        {
            await input.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _reader.Dispose();
            await _content.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Goes to the next frame; false when all were read, in which case the file is proven and closed.</summary>
    internal async ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        if (await _reader.ReadFrameAsync(cancellationToken).ConfigureAwait(false))
        {
            return true;
        }

        await _reader.ReadTrailerAsync(cancellationToken).ConfigureAwait(false);
        _reader.Finish();
        await DisposeAsync().ConfigureAwait(false);
        return false;
    }

    /// <summary>Expands and checks the frame at hand. Once for every frame, also for those that nobody wants.</summary>
    /// <returns>Bytes of the frame that the file checksum covers beside the page.</returns>
    internal int Expand(Span<byte> page) => _reader.ExpandFrame(page);
}
