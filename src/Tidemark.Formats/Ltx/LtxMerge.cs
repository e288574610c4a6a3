using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>Merges LTX files into one, by ascending page number: of each page the frame of the newest file, as it stands there.</summary>
/// <remarks>
/// <para>Nothing is compressed. But every frame of every file is expanded, those that fall away too, since the file checksums cover the
/// expanded pages.</para>
/// <para>What comes after the last frame is made only when every file was read to its end and proven, and the pages are those of a
/// state.</para>
/// <para>Memory: a fixed buffer for each file, one page, and the index (see <see cref="LtxIndexBuilder"/>). Not thread-safe.</para>
/// </remarks>
internal sealed class LtxMerge : IAsyncDisposable
{
    private readonly IReadOnlyList<LtxMergeInput> _inputs;
    private readonly PriorityQueue<int, ulong> _next = new();
    private readonly LtxIndexBuilder _index;
    private readonly byte[] _page;
    private LtxMergeStage _stage;
    private LtxPageSequence _pages;
    private DatabaseChecksum _database = DatabaseChecksum.Empty;
    private uint _lastPage;
    private long _length;
    private ulong _crc;
    private bool _lacksPage;

    /// <summary>Merges <paramref name="inputs"/>, which it owns.</summary>
    public LtxMerge(IReadOnlyList<LtxMergeInput> inputs, Lineage lineage, Func<Stream>? indexOverflow)
    {
        Header = LtxMergeHeader.From(inputs, lineage);
        _inputs = inputs;
        _index = new LtxIndexBuilder(indexOverflow);
        _page = new byte[Header.PageSize.Bytes];
        _pages = new LtxPageSequence(Header.PageSize, Header.Commit, Header.IsSnapshot);
    }

    /// <summary>The header of the merged file.</summary>
    public LtxHeader Header { get; }

    private ulong PostApplyChecksum => Header.TracksChecksums ? DatabaseChecksum.Empty.Value : 0; // Of no pages, or absent.

    /// <summary>Fills <paramref name="output"/> with the next bytes of the merged file; it stays empty at the end.</summary>
    /// <exception cref="LtxFormatException">A file is damaged.</exception>
    /// <exception cref="LtxMergeException">The files are not one history, or do not lead to the state that they should.</exception>
    public async ValueTask FillAsync(LtxMergeBuffer output, CancellationToken cancellationToken)
    {
        output.Clear();
        while (output.HasRoom && _stage != LtxMergeStage.Done)
        {
            _stage = _stage switch
            {
                LtxMergeStage.Header => await BeginAsync(output, cancellationToken).ConfigureAwait(false),
                LtxMergeStage.Frames when _next.Count > 0 => await TakeFrameAsync(output, cancellationToken).ConfigureAwait(false),
                LtxMergeStage.Frames => EndFrames(output),
                LtxMergeStage.Index => WriteIndex(output),
                _ => WriteEnd(output),
            };
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _index.Dispose();
        foreach (var input in _inputs)
        {
            await input.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<LtxMergeStage> BeginAsync(LtxMergeBuffer output, CancellationToken cancellationToken)
    {
        Header.Write(output.Room);
        Write(output, output.Room[..LtxHeader.Size]);
        for (var i = 0; i < _inputs.Count; i++)
        {
            await MoveNextAsync(i, cancellationToken).ConfigureAwait(false);
        }

        return LtxMergeStage.Frames;
    }

    private async ValueTask<LtxMergeStage> TakeFrameAsync(LtxMergeBuffer output, CancellationToken cancellationToken)
    {
        var index = _next.Dequeue();
        TakeFrame(_inputs[index], output);
        await MoveNextAsync(index, cancellationToken).ConfigureAwait(false);
        return LtxMergeStage.Frames;
    }

    private async ValueTask MoveNextAsync(int index, CancellationToken cancellationToken)
    {
        if (await _inputs[index].MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            // The lowest page comes first, and of several versions of it the newest.
            _next.Enqueue(index, ((ulong)_inputs[index].PageNumber << 32) | (uint)(_inputs.Count - index));
        }
    }

    private void TakeFrame(LtxMergeInput input, LtxMergeBuffer output)
    {
        var headerSize = input.Expand(_page);
        var pageNumber = input.PageNumber;
        if (pageNumber == _lastPage || pageNumber > Header.Commit)
        {
            return; // An older version, or a page that was cut off later.
        }

        // Read on, since a file that is damaged may be the reason: that is the failure to tell.
        _lacksPage = _lacksPage || _pages.Accept(pageNumber) != LtxFault.None;
        if (_lacksPage)
        {
            return;
        }

        _lastPage = pageNumber;
        if (Header.IsSnapshot)
        {
            _database = _database.Toggle(DatabaseChecksum.OfPage(pageNumber, _page));
        }

        _index.Add(new LtxIndexEntry(pageNumber, _length, input.Frame.Length));
        _crc = Crc64Iso.Append(Crc64Iso.Append(_crc, input.Frame[..headerSize]), _page);
        _length += input.Frame.Length;
        output.Append(input.Frame);
    }

    private LtxMergeStage EndFrames(LtxMergeBuffer output)
    {
        LtxMergeHeader.ThrowUnlessOneHistory(_inputs);
        if (_lacksPage || _pages.End(Header.Commit) != LtxFault.None)
        {
            throw LtxMergeException.MissingPage(_inputs[^1].Name, (uint)_pages.Following, Header.Commit);
        }

        if (Header is { IsSnapshot: true, Proof.After: { } expected } && _database != expected)
        {
            throw LtxMergeException.WrongDatabase(_inputs[^1].Name, _database, expected);
        }

        output.Room[..LtxFrameHeader.Size].Clear();
        Write(output, output.Room[..LtxFrameHeader.Size]);
        _index.End();
        return LtxMergeStage.Index;
    }

    private LtxMergeStage WriteIndex(LtxMergeBuffer output)
    {
        var count = _index.Read(output.Room);
        output.Advance(count);
        return count > 0 ? LtxMergeStage.Index : LtxMergeStage.End;
    }

    private LtxMergeStage WriteEnd(LtxMergeBuffer output)
    {
        LtxFileEnd.Write(output.Room, Crc64Iso.Combine(_crc, _index.Crc, _index.Length), _index.Length, PostApplyChecksum);
        output.Advance(LtxFileEnd.Size);
        return LtxMergeStage.Done;
    }

    /// <summary>Writes what stands at the beginning of the buffer's room, and counts it.</summary>
    private void Write(LtxMergeBuffer output, ReadOnlySpan<byte> bytes)
    {
        _crc = Crc64Iso.Append(_crc, bytes);
        _length += bytes.Length;
        output.Advance(bytes.Length);
    }
}
