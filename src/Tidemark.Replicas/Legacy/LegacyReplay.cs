using Tidemark.Formats;
using Tidemark.Formats.Compression;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Legacy;

/// <summary>Builds a database from a snapshot and the WALs that follow it, as SQLite would by checkpoints.</summary>
/// <remarks>
/// A frame goes to its place in the file as soon as it is proven; a later frame of the same page overwrites it. That is what a checkpoint
/// leads to, provided that every WAL ends with a transaction, which is checked. Memory is a few buffers. Nothing that was written may be
/// used before <see cref="RunAsync"/> has returned. Used once.
/// </remarks>
internal sealed class LegacyReplay(
    ILegacyReplicaSource source, LegacyRestorePlan plan, IFile file, string path, IProgress<RestoreProgress>? progress)
{
    private const int BufferSizeBytes = 1 << 20;

    private readonly long _bytesTotal = plan.TotalSizeBytes;
    private readonly byte[] _buffer = new byte[BufferSizeBytes];
    private long _sizeBytes;
    private long _pagesWritten;

    /// <summary>Size of the pages, once it has run.</summary>
    public PageSize PageSize { get; private set; }

    /// <summary>Size of the database in pages, once it has run.</summary>
    public uint Pages => (uint)(_sizeBytes / PageSize.Bytes);

    /// <summary>Bytes read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Builds the database.</summary>
    /// <exception cref="LegacyReplicaException">A file is missing or damaged.</exception>
    /// <exception cref="RestoreOutputException">The database cannot be written.</exception>
    /// <exception cref="ReplicaStoreException">A file cannot be read.</exception>
    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(plan.Snapshot.Key, CopySnapshotAsync, cancellationToken).ConfigureAwait(false);
        foreach (var wal in plan.Wal.GroupBy(part => part.Key.Index))
        {
            var reader = new LegacyWal(PageSize, _buffer);
            foreach (var part in wal)
            {
                ThrowUnlessNext(part.Key, reader.Length);
                await ReadAsync(part.Key, (_, content, token) => reader.ReadPartAsync(content, WritePage, Report, token), cancellationToken)
                    .ConfigureAwait(false);
            }

            EndWal(wal.Last().Key, reader.Commit);
        }

        CheckDatabase();
    }

    private async ValueTask ReadAsync(
        LegacyFileKey key, Func<LegacyFileKey, Stream, CancellationToken, ValueTask> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var compressed = await source.OpenLegacyAsync(key, cancellationToken).ConfigureAwait(false);
        var content = new Lz4FrameStream(new CountingStream(compressed, count => BytesRead += count));
        await using (content.ConfigureAwait(false))
        {
            try
            {
                await read(key, content, cancellationToken).ConfigureAwait(false);
            }
            catch (InvalidDataException e)
            {
                throw Damaged(key, e.Message, e);
            }
        }
    }

    private async ValueTask CopySnapshotAsync(LegacyFileKey key, Stream content, CancellationToken cancellationToken)
    {
        DatabaseHeader header = default;
        while (true)
        {
            var count = await content.ReadAtLeastAsync(_buffer, _buffer.Length, throwOnEndOfStream: false, cancellationToken)
                .ConfigureAwait(false);
            if (_sizeBytes == 0 && !DatabaseHeader.TryRead(_buffer.AsSpan(0, count), out header))
            {
                throw Damaged(key, "it does not begin as a SQLite database");
            }

            if (count == 0)
            {
                break;
            }

            Write(_sizeBytes, _buffer.AsSpan(0, count));
            _sizeBytes += count;
            Report();
        }

        PageSize = header.PageSize;
        if (_sizeBytes % PageSize.Bytes != 0)
        {
            throw Damaged(key, $"it has {_sizeBytes} bytes, which are not whole pages of {PageSize} bytes");
        }
    }

    private void ThrowUnlessNext(LegacyFileKey key, long reached)
    {
        if (key.Offset > reached)
        {
            throw LegacyReplicaException.MissingPart(key, reached, plan.HintWithout(key));
        }

        if (key.Offset < reached)
        {
            throw LegacyReplicaException.Overlap(key, reached, plan.HintWithout(key));
        }
    }

    private void WritePage(uint page, ReadOnlySpan<byte> content)
    {
        Write(PageSize.OffsetOf(page), content);
        _pagesWritten++;
    }

    /// <summary>Cuts the database to the size that the last transaction left.</summary>
    private void EndWal(LegacyFileKey last, uint commit)
    {
        if (commit == 0)
        {
            throw Damaged(last, "the WAL ends within a transaction");
        }

        _sizeBytes = (long)commit * PageSize.Bytes;
        try
        {
            file.SetLength(_sizeBytes);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw RestoreOutputException.Failed("set the size of", path, e);
        }
    }

    private void CheckDatabase()
    {
        var bytes = new byte[DatabaseHeader.Size];
        var count = file.Read(0, bytes);
        if (!DatabaseHeader.TryRead(bytes.AsSpan(0, count), out var header) || header.PageSize != PageSize)
        {
            throw WrongDatabase("its first page is not the one of a SQLite database with such pages");
        }

        if (header.Pages is { } pages && pages != Pages)
        {
            throw WrongDatabase($"its first page tells of {pages} pages, but there are {Pages}");
        }
    }

    private void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            file.Write(offset, bytes);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw RestoreOutputException.Failed("write", path, e);
        }
    }

    private void Report() => progress?.Report(new RestoreProgress(BytesRead, _bytesTotal, _pagesWritten, 0));

    private LegacyReplicaException Damaged(LegacyFileKey key, string what, Exception? cause = null)
        => LegacyReplicaException.Damaged(source.Name, key, what, plan.HintWithout(key), cause);

    private LegacyReplicaException WrongDatabase(string what)
        => LegacyReplicaException.WrongDatabase(source.Name, what, plan.HintWithout(plan.Files.Last().Key));
}
