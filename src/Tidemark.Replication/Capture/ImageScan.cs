using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Capture;

/// <summary>Goes through all pages of a database at one snapshot, batch by batch, in ascending order and without the lock page.</summary>
internal sealed class ImageScan
{
    private readonly DatabaseConnection _connection;
    private readonly DatabaseImage? _image;
    private readonly PageSize _pageSize;
    private readonly uint _pageCount;

    /// <summary>Verifies the whole WAL of the snapshot, so that a page is taken from a frame only if SQLite committed it.</summary>
    /// <param name="connection">In a read transaction that keeps the WAL in its place.</param>
    /// <param name="wal">The WAL.</param>
    /// <param name="snapshot">Its end.</param>
    /// <param name="framesInFile">See <see cref="DatabaseConnection.CountFramesInFile"/>.</param>
    /// <exception cref="WalMismatchException">The WAL is not what the snapshot says.</exception>
    public ImageScan(DatabaseConnection connection, WalFile wal, WalIndexHeader snapshot, uint framesInFile = 0)
    {
        var map = new WalPageMap();
        var piece = wal.Scan(1, wal.Header.Checksum, snapshot.FrameCount, long.MaxValue, map);
        wal.CheckEnd(piece, snapshot);
        map.Seal(snapshot.PageCount, snapshot.PageSize.LockPage);
        (_connection, _pageSize, _pageCount) = (connection, snapshot.PageSize, snapshot.PageCount);
        _image = new DatabaseImage(connection, wal, map, framesInFile);
    }

    /// <summary>Goes through the pages with a map of the WAL's frames that was made and verified before.</summary>
    /// <param name="connection">In a read transaction that keeps the WAL in its place.</param>
    /// <param name="wal">The WAL.</param>
    /// <param name="frames">The sealed map of all frames of the snapshot.</param>
    /// <param name="pageCount">Size of the database in pages.</param>
    /// <param name="framesInFile">See <see cref="DatabaseConnection.CountFramesInFile"/>.</param>
    public ImageScan(DatabaseConnection connection, WalFile wal, WalPageMap frames, uint pageCount, uint framesInFile)
    {
        (_connection, _pageSize, _pageCount) = (connection, wal.Header.PageSize, pageCount);
        _image = new DatabaseImage(connection, wal, frames, framesInFile);
    }

    /// <summary>Goes through the database file alone, under a read transaction that sees no WAL.</summary>
    public ImageScan(DatabaseConnection connection, PageSize pageSize, uint pageCount)
        => (_connection, _pageSize, _pageCount) = (connection, pageSize, pageCount);

    /// <summary>The page that is read next.</summary>
    public long NextPage { get; set; } = 1;

    /// <summary>Fills an empty batch with the next pages, which are consecutive; false at the end.</summary>
    public bool ReadNext(PageBatch batch)
    {
        batch.Truncate(0);
        var lockPage = _pageSize.LockPage;
        if (NextPage == lockPage)
        {
            NextPage++;
        }

        for (; NextPage <= _pageCount && NextPage != lockPage && !batch.IsFull; NextPage++)
        {
            batch.Add((uint)NextPage);
        }

        if (batch.Count == 0)
        {
            return false;
        }

        var pages = batch.Pages(0, batch.Count);
        if (_image is null)
        {
            _connection.ReadFile(_pageSize.OffsetOf(batch.Numbers[0]), pages);
        }
        else
        {
            _image.Read(batch.Numbers[0], pages);
        }

        return true;
    }

    /// <summary>Computes the checksum of each page of a batch and adds them to a sum.</summary>
    public static DatabaseChecksum Sum(PageBatch batch, Span<ulong> checksums, DatabaseChecksum sum)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            checksums[i] = DatabaseChecksum.OfPage(batch.Numbers[i], batch.Pages(i, 1));
            sum = sum.Toggle(checksums[i]);
        }

        return sum;
    }

    /// <summary>The header of a file with the pages of a snapshot, still without its proof.</summary>
    public static LtxHeader HeaderOf(CapturedDatabase database, WalIndexHeader snapshot, LtxFileName name) => new()
    {
        PageSize = snapshot.PageSize,
        Commit = snapshot.PageCount,
        MinTxid = name.MinTxid,
        MaxTxid = name.MaxTxid,
        TimestampMs = database.Time.GetUtcNow().ToUnixTimeMilliseconds(),
        WalOffset = WalHeader.Size,
        WalSize = snapshot.FrameCount * (long)WalFrameHeader.FrameSize(snapshot.PageSize),
        WalSalts = snapshot.Salts,
        Lineage = database.Lineage,
    };
}
