using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>Puts a database together from the files of a plan, in one pass over each file.</summary>
/// <remarks>
/// <para>Files are read from the newest to the oldest. The first that brings a page has its newest version, so one bit per page tells which
/// pages are still to be written, and each page is written once. The reader finds that out from frame headers; expanding is left to
/// workers. Meanwhile the next ranges of the files are read ahead.</para>
/// <para>A page that lies beyond the end of the newest file's database falls away. Memory is one bit per page and a fixed number of
/// buffers.</para>
/// <para>Nothing that was written may be used before <see cref="RunAsync"/> has returned: only then every checksum is right. Used
/// once.</para>
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="plan">Which files.</param>
/// <param name="sink">Where the pages go.</param>
/// <param name="parallelism">How many ranges are read at once; and at most how many cores expand pages.</param>
/// <param name="time">The clock, for going on with what breaks off; null to fail then.</param>
/// <param name="progress">Is told how far it has come, about once per megabyte. Null for none.</param>
internal sealed class Materialiser(
    IReplicaStore store, RestorePlan plan, IPageSink sink, int parallelism, TimeProvider? time, IProgress<RestoreProgress>? progress)
{
    /// <summary>The least that a page takes in a file: frame header, size, and one byte of compressed data.</summary>
    private const int FrameSizeBytesMin = 11;

    private readonly List<PlannedFile> _files = [];
    private readonly long _bytesTotal = plan.TotalSizeBytes;
    private LtxHeader _newest;
    private LtxHeader _newer;
    private LtxFileKey _newerKey;
    private PageSet _written = new(0);
    private ulong _pagesChecksum;
    private long _pagesWritten;

    /// <summary>Size of the pages, once it has run.</summary>
    public PageSize PageSize => _newest.PageSize;

    /// <summary>Size of the database in pages, once it has run.</summary>
    public uint Pages => _newest.Commit;

    /// <summary>Who wrote the newest file, once it has run.</summary>
    public Lineage Lineage => _newest.Lineage;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Whether the database was compared with the checksum that the newest file gives.</summary>
    public bool IsProven => _newest.Proof.After is not null;

    /// <summary>Checksum of the database, once it has run and if it was proven or the sink needs checksums.</summary>
    public DatabaseChecksum Checksum => DatabaseChecksum.Empty.Toggle(_pagesChecksum);

    /// <summary>Builds the database.</summary>
    /// <exception cref="LtxFormatException">A file is damaged.</exception>
    /// <exception cref="RestoreVerificationException">The files do not fit together.</exception>
    /// <exception cref="RestoreOutputException">The database cannot be written.</exception>
    /// <exception cref="ReplicaStoreException">A file cannot be read.</exception>
    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        LtxFileInfo[] files = [.. plan.Files.Reverse()];
        var ahead = new ReadAhead(new RangeReader(store, time), files, parallelism, cancellationToken);
        var decoder = new PartDecoder(sink, Math.Min(parallelism, Environment.ProcessorCount));
        try
        {
            await using (ahead.ConfigureAwait(false))
            await using (decoder.ConfigureAwait(false))
            {
                foreach (var file in files)
                {
                    await ReadFileAsync(file, ahead.OpenNext(), decoder, cancellationToken).ConfigureAwait(false);
                }

                while (decoder.HasWorkUnderway)
                {
                    await TakeBackAsync(decoder).ConfigureAwait(false);
                }
            }

            CheckDatabase();
        }
        finally
        {
            foreach (var file in _files)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async ValueTask ReadFileAsync(LtxFileInfo info, Stream content, PartDecoder decoder, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var file = new PlannedFile(info, PlannedFile.NameOf(store, info), new CountingStream(content, count => BytesRead += count));
        _files.Add(file);
        var header = await file.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        CheckHeader(file, header);
        if (_newer.PageSize == default)
        {
            Begin(file, header);
            decoder.SumsPages = IsProven || sink.NeedsChecksums;
        }

        (_newer, _newerKey) = (header, info.Key);
        while (true)
        {
            if (!decoder.HasRoom)
            {
                await TakeBackAsync(decoder).ConfigureAwait(false);
            }

            var job = decoder.Rent();
            if (!await file.ReadPartAsync(job.Part, cancellationToken).ConfigureAwait(false))
            {
                decoder.Return(job);
                await ForgetProvenFilesAsync().ConfigureAwait(false);
                return;
            }

            job.Begin(file, _written);
            decoder.Start(job);
        }
    }

    private void CheckHeader(PlannedFile file, in LtxHeader header)
    {
        if (header.MinTxid != file.Info.MinTxid || header.MaxTxid != file.Info.MaxTxid)
        {
            throw RestoreVerificationException.WrongTxids(file.Name, header);
        }

        if (_newer.PageSize == default)
        {
            return; // It is the newest file.
        }

        if (header.PageSize != _newer.PageSize)
        {
            throw RestoreVerificationException.WrongPageSize(file.Name, header.PageSize, _newer.PageSize);
        }

        if (header.MaxTxid.Next() == _newer.MinTxid
            && header.Proof.After is { } after && _newer.Proof.Before is { } before && after != before)
        {
            throw RestoreVerificationException.NotTheSameHistory(file.Info.Key, after, _newerKey, before);
        }
    }

    /// <summary>Prepares for the database that the newest file tells of.</summary>
    private void Begin(PlannedFile file, in LtxHeader header)
    {
        // The header is not proven yet. What is prepared for it must not be larger than the files justify.
        if (header.Commit - 1L > _bytesTotal / FrameSizeBytesMin)
        {
            throw RestoreVerificationException.TooManyPages(file.Name, header.Commit, _bytesTotal);
        }

        _newest = header;
        _written = new PageSet(header.Commit);
        sink.Begin(header.PageSize, header.Commit);
    }

    private async ValueTask TakeBackAsync(PartDecoder decoder)
    {
        var job = await decoder.TakeBackAsync().ConfigureAwait(false);
        job.File!.Take(job);
        _pagesChecksum ^= job.PagesChecksum;
        _pagesWritten += job.Runs.Sum(run => run.Count);
        decoder.Return(job);
        await ForgetProvenFilesAsync().ConfigureAwait(false);
        progress?.Report(new RestoreProgress(BytesRead, _bytesTotal, _pagesWritten, Pages));
    }

    /// <summary>Lets go of files that are done, so that a long plan does not keep the buffers of all of them.</summary>
    private async ValueTask ForgetProvenFilesAsync()
    {
        while (_files.Count > 0 && _files[0].IsProven)
        {
            await _files[0].DisposeAsync().ConfigureAwait(false);
            _files.RemoveAt(0);
        }
    }

    private void CheckDatabase()
    {
        Invariant.Holds(_files.Count == 0, "Every file was read to its end and proven.");
        Invariant.Holds(_pagesWritten == _written.Count, $"Every newest page was written: {_pagesWritten} of {_written.Count}.");
        if (_written.FirstMissing(PageSize.LockPage) is { } missing)
        {
            throw RestoreVerificationException.MissingPage(missing, Pages);
        }

        if (_newest.Proof.After is { } expected && Checksum != expected)
        {
            throw RestoreVerificationException.WrongDatabase(plan.Files[^1].Key, Checksum, expected);
        }
    }
}
