using System.Buffers.Binary;
using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>Takes back what a writer that was killed has begun, as SQLite does it when it opens a database beside which a journal
/// lies.</summary>
internal static class JournalRollback
{
    /// <summary>Rolls back and deletes the journal, if there is one. Harmless to repeat.</summary>
    /// <exception cref="FollowException">Others use the database for too long, or a file cannot be read or written.</exception>
    public static async ValueTask RunAsync(OutputFile output, FollowFiles files, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (!files.HasJournal)
        {
            return;
        }

        // Not RESERVED: readers that come meanwhile would take the journal for that of a writer that has changed nothing yet.
        using var locked = output.Lock();
        await locked.ExcludeReadersAsync(wait, cancellationToken).ConfigureAwait(false);
        if (!files.HasJournal)
        {
            return; // A reader was faster, or a writer has committed.
        }

        try
        {
            using (var journal = files.OpenJournal())
            {
                Play(journal, output.File);
            }

            output.File.Sync();
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FollowException.Failed("roll back", output.Path, e);
        }

        files.DeleteJournal();
    }

    /// <summary>Writes the old pages to their places. What does not prove itself ends it: no page was changed before its old content was
    /// durable.</summary>
    private static void Play(IFile journal, IFile database)
    {
        uint? pages = null;
        for (var offset = 0L; TryReadHeader(journal, offset, out var header);)
        {
            if (pages is null)
            {
                pages = header.Pages;
                database.SetLength((long)header.Pages * header.PageSize.Bytes);
            }

            offset += header.SectorSize;
            var record = new byte[JournalFormat.RecordSize(header.PageSize)];
            for (var i = 0L; i < header.Records; i++, offset += record.Length)
            {
                if (journal.Read(offset, record) < record.Length || !TryReadRecord(record, header, out var pageNumber))
                {
                    return;
                }

                if (pageNumber <= pages)
                {
                    database.Write(header.PageSize.OffsetOf(pageNumber), record.AsSpan(JournalFormat.NumberSize, header.PageSize.Bytes));
                }
            }

            offset = (offset + header.SectorSize - 1) / header.SectorSize * header.SectorSize;
        }
    }

    private static bool TryReadHeader(IFile journal, long offset, out Header header)
    {
        header = default;
        var bytes = new byte[JournalFormat.HeaderSize];
        if (journal.Read(offset, bytes) < bytes.Length || !bytes.AsSpan().StartsWith(JournalFormat.Magic))
        {
            return false;
        }

        uint Number(int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
        var sectorSize = Number(JournalFormat.SectorSizeOffset);
        if (!PageSize.TryFromBytes(Number(JournalFormat.PageSizeOffset), out var pageSize)
            || sectorSize is < JournalFormat.HeaderSize or > JournalFormat.SectorSizeMax)
        {
            return false;
        }

        // SQLite leaves the count out where it does not sync: then the length tells it.
        long records = Number(JournalFormat.MagicSize);
        records = records == uint.MaxValue ? (journal.Length - offset - sectorSize) / JournalFormat.RecordSize(pageSize) : records;
        header = new Header(records, Number(JournalFormat.NonceOffset), Number(JournalFormat.PagesOffset), sectorSize, pageSize);
        return true;
    }

    private static bool TryReadRecord(ReadOnlySpan<byte> record, in Header header, out uint pageNumber)
    {
        pageNumber = BinaryPrimitives.ReadUInt32BigEndian(record);
        var page = record.Slice(JournalFormat.NumberSize, header.PageSize.Bytes);
        return pageNumber != 0
            && pageNumber != header.PageSize.LockPage
            && BinaryPrimitives.ReadUInt32BigEndian(record[^JournalFormat.NumberSize..]) == JournalFormat.Checksum(header.Nonce, page);
    }

    private readonly record struct Header(long Records, uint Nonce, uint Pages, uint SectorSize, PageSize PageSize);
}
