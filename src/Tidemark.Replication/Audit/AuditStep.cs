using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Audit;

/// <summary>One piece of an audit: compares some pages of the live database with the checksums of what was captured.</summary>
/// <remarks>
/// <para>Each piece has a read transaction of its own, up to which everything is captured first. So the table of page checksums and the
/// pages are of the same moment, captures go on between two pieces, and nobody's WAL is pinned for as long as a large database takes. What
/// that says of the whole is written down in docs/design/audit.md.</para>
/// <para>Under that transaction a page is what SQLite reads as it; see <see cref="DatabaseImage"/>. A piece that differs is no difference yet: the whole database is read once more under the same transaction,
/// with the WAL verified from its start, which also tells how many pages there are.</para>
/// </remarks>
internal static class AuditStep
{
    private const int FirstDifferentMax = 5;

    // Only a commit at just the wrong instant asks for another try.
    private const int BeginAttemptsMax = 20;

    /// <summary>Compares the next piece. After a difference the database is closed, without a checkpoint, and the next capture compares all
    /// pages: a connection that has seen other pages must not write.</summary>
    /// <param name="database">The database, after a capture.</param>
    /// <param name="progress">Where the audit stands; moves on.</param>
    /// <param name="bytesMax">How much is read at most, rounded up to a page batch.</param>
    /// <exception cref="WalMismatchException">The WAL is not what SQLite says. The next capture compares pages.</exception>
    /// <exception cref="DatabaseException">The database could not be read.</exception>
    /// <exception cref="IOException">The WAL or the spool could not be read.</exception>
    public static AuditStepResult Run(CapturedDatabase database, AuditProgress progress, long bytesMax)
    {
        if (database.Live is null || !database.GuardIsUninterrupted || database.Live.FindForeignChange() is not null)
        {
            return new AuditStepResult(AuditStepOutcome.NotNow);
        }

        try
        {
            var reader = database.Live.Second;
            if (BeginRead(reader) is not { } framesInFile
                || !CaptureStep.TryRunTo(database, reader)
                || database.Position is not { Checksum: not null } position)
            {
                return new AuditStepResult(AuditStepOutcome.NotNow);
            }

            // A WAL that is wholly in the file may be started over any moment, and is not needed.
            using var wal = reader.GetSnapshot().End is { } end && framesInFile < end.FrameCount
                ? WalFile.Open(database.Files, database.Live.WalPath, end)
                : null;
            var image = new Image(reader, position, wal, framesInFile);
            return database.Checksums is { } known
                ? Compare(database, image, known, progress, bytesMax)
                : CompareSum(database, image);
        }
        catch (WalMismatchException)
        {
            database.Distrust();
            throw;
        }
        finally
        {
            database.Rest();
        }
    }

    private static uint? BeginRead(DatabaseConnection reader)
    {
        for (var attempt = 0; attempt < BeginAttemptsMax; attempt++)
        {
            reader.Rollback();
            reader.BeginRead();
            if (reader.CountFramesInFile() is { } framesInFile)
            {
                return framesInFile;
            }
        }

        return null;
    }

    private static AuditStepResult Compare(
        CapturedDatabase database, Image image, PageChecksums known, AuditProgress progress, long bytesMax)
    {
        var position = image.Position;
        if (progress.PageSize != position.PageSize)
        {
            progress.Restart();
            (progress.FirstTxid, progress.PageSize) = (position.Txid, position.PageSize);
        }

        var piece = image.ScanFrom(progress.NextPage, progress.Frames);
        var found = new Differences();
        var isWhole = found.Read(piece, known, bytesMax, position.PageSize);
        if (found.Count == 0)
        {
            (progress.NextPage, progress.PageCount) = (piece.NextPage, progress.PageCount + found.PagesRead);
            return Result(isWhole ? AuditStepOutcome.Equal : AuditStepOutcome.GoesOn, found);
        }

        found = new Differences();
        found.Read(image.ScanAll(), known, long.MaxValue, position.PageSize);
        if (database.Live!.FindForeignChange() is not null)
        {
            return new AuditStepResult(AuditStepOutcome.NotNow); // The next capture tells what happened, and compares all pages.
        }

        if (found.Count == 0)
        {
            progress.Restart(); // Somebody was writing the file just then who is no SQLite.
            return Result(AuditStepOutcome.GoesOn, found);
        }

        return Refuse(database, Result(AuditStepOutcome.Different, found));

        AuditStepResult Result(AuditStepOutcome outcome, Differences of) => new(
            outcome, position.Txid, of.PagesRead, of.PagesRead * position.PageSize.Bytes)
        {
            DifferentPages = of.Count,
            FirstDifferent = of.First,
        };
    }

    // Without the table, the sum of all pages still tells whether they are those that were captured, though not which of them are not. A
    // table is made on the way.
    private static AuditStepResult CompareSum(CapturedDatabase database, Image image)
    {
        var position = image.Position;
        using var rebuilt = ChecksumRebuild.Run(database, image.ScanAll(), position.PageSize);
        var result = new AuditStepResult(
            AuditStepOutcome.Equal, position.Txid, position.PageCount, position.PageCount * (long)position.PageSize.Bytes);
        if (rebuilt.Checksum != position.Checksum)
        {
            return Refuse(database, result with { Outcome = AuditStepOutcome.Different, DifferentPages = position.PageCount });
        }

        database.Advance(position, rebuilt.Table);
        return result;
    }

    private static AuditStepResult Refuse(CapturedDatabase database, AuditStepResult different)
    {
        database.Distrust(Discontinuity.AuditFoundDifference);
        database.Close();
        return different;
    }

    /// <summary>The database as a read transaction sees it, which is at the position.</summary>
    private sealed record Image(DatabaseConnection Reader, Position Position, WalFile? Wal, uint FramesInFile)
    {
        // A piece takes frames that were verified for the one before it.
        public ImageScan ScanFrom(long page, AuditFrames frames) => Scan(page, frames, isOnlyCompared: true);

        public ImageScan ScanAll() => Scan(1, new AuditFrames(), isOnlyCompared: false);

        private ImageScan Scan(long page, AuditFrames frames, bool isOnlyCompared)
        {
            if (Wal is null)
            {
                return new ImageScan(Reader, Position.PageSize, Position.PageCount) { NextPage = page };
            }

            Wal.IsOnlyCompared = isOnlyCompared;
            var map = frames.ReadUpTo(Wal, Reader.GetSnapshot().End!.Value);
            return new ImageScan(Reader, Wal, map, Position.PageCount, FramesInFile) { NextPage = page };
        }
    }

    /// <summary>Counts the pages that are not what they must be.</summary>
    private sealed class Differences
    {
        private readonly List<uint> _first = [];

        public long Count { get; private set; }

        public long PagesRead { get; private set; }

        public IReadOnlyList<uint> First => _first;

        /// <summary>Reads on until the end, or until there was enough; true at the end.</summary>
        public bool Read(ImageScan scan, PageChecksums known, long bytesMax, PageSize pageSize)
        {
            using var batch = new PageBatch(pageSize);
            var (checksums, expected) = (new ulong[batch.Capacity], new ulong[batch.Capacity]);
            while (PagesRead * pageSize.Bytes < bytesMax)
            {
                if (!scan.ReadNext(batch))
                {
                    return true;
                }

                known.Read(batch.Numbers[0], expected.AsSpan(0, batch.Count));
                _ = ImageScan.Sum(batch, checksums, DatabaseChecksum.Empty);
                PagesRead += batch.Count;
                Count += CountDifferent(batch, checksums, expected);
            }

            return false;
        }

        private int CountDifferent(PageBatch batch, ulong[] checksums, ulong[] expected)
        {
            if (checksums.AsSpan(0, batch.Count).SequenceEqual(expected.AsSpan(0, batch.Count)))
            {
                return 0;
            }

            var count = 0;
            for (var i = 0; i < batch.Count; i++)
            {
                if (checksums[i] == expected[i])
                {
                    continue;
                }

                count++;
                if (_first.Count < FirstDifferentMax)
                {
                    _first.Add(batch.Numbers[i]);
                }
            }

            return count;
        }
    }
}
