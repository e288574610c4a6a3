using Tidemark.Formats.Wal;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Capture;

/// <summary>The pages of a database at one snapshot: a page is its newest frame at or below the snapshot's end, or what the database file
/// holds where it has none, or where that frame has been copied into the file.</summary>
/// <remarks>
/// Only under a guard that is not newer than the snapshot and keeps its WAL from being started over. Checkpoints of others do no harm
/// meanwhile: they only move frames that the guard, and so the snapshot, sees. Not thread-safe.
/// </remarks>
/// <param name="connection">A connection that reads the file; the one that holds the guard or the snapshot.</param>
/// <param name="wal">The WAL.</param>
/// <param name="frames">The sealed map of all frames of the snapshot.</param>
/// <param name="framesInFile">How many frames are taken from the file. SQLite reads those that are in it from there, so what somebody else
/// wrote over them there is what everybody reads.</param>
internal sealed class DatabaseImage(DatabaseConnection connection, WalFile wal, WalPageMap frames, uint framesInFile = 0)
{
    private int _next;

    /// <summary>Reads consecutive pages. Calls go through the database in ascending order.</summary>
    /// <param name="firstPage">The first page.</param>
    /// <param name="pages">Room for whole pages.</param>
    public void Read(uint firstPage, Span<byte> pages)
    {
        var pageSize = wal.Header.PageSize;
        var lastPage = firstPage + (uint)(pages.Length / pageSize.Bytes) - 1;
        while (_next < frames.Count && frames[_next].PageNumber < firstPage)
        {
            _next++;
        }

        if (!IsWhollyInWal(firstPage, lastPage))
        {
            connection.ReadFile(pageSize.OffsetOf(firstPage), pages);
        }

        for (; _next < frames.Count && frames[_next].PageNumber <= lastPage; _next++)
        {
            var (pageNumber, frame) = frames[_next];
            if (frame > framesInFile)
            {
                wal.ReadPages(frame, pages.Slice((int)(pageNumber - firstPage) * pageSize.Bytes, pageSize.Bytes));
            }
        }
    }

    private bool IsWhollyInWal(uint firstPage, uint lastPage)
    {
        var last = _next + (int)(lastPage - firstPage);
        return framesInFile == 0
            && last < frames.Count
            && frames[_next].PageNumber == firstPage
            && frames[last].PageNumber == lastPage;
    }
}
