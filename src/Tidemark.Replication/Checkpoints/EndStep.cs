using Tidemark.Formats;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Checkpoints;

/// <summary>Ends the work on a database in order, in two moves with a short time between them, so that the next start can tell without
/// reading a page that nobody has written it since.</summary>
/// <remarks>
/// <para>What tells is the file's times. They have the resolution of the kernel's clock tick, a few milliseconds: a write right after the
/// end could leave the same time. So the whole WAL is copied into the file first; then it is left alone for
/// <see cref="QuietTime"/>; and only then the last connection closes, which finds nothing left to copy. If nobody has written the file in
/// all that time, whoever writes it later does so at another tick.</para>
/// <para>Any doubt means that there is no word of it, and that the next start compares pages.</para>
/// </remarks>
internal static class EndStep
{
    private const long NanosecondsOfSecond = 1_000_000_000;

    /// <summary>How long the file has to be left alone: several ticks of any kernel.</summary>
    public static TimeSpan QuietTime { get; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Copies the WAL into the file, with everything captured.</summary>
    /// <returns>What the file is like then, for <see cref="Complete"/> after <see cref="QuietTime"/>; or null when there is nothing to wait
    /// for.</returns>
    public static OrderlyEnd? Prepare(CapturedDatabase database)
    {
        if (database.Live is not { } live || !database.GuardIsUninterrupted || database.Position is not { Checksum: { } checksum } position)
        {
            return null;
        }

        try
        {
            // If the application goes on, its next write would find all of the WAL in the file and start it over, and the next start could
            // not tell what the old one held at the end. Left alone, the WAL continues.
            if (OthersHaveItOpen(database))
            {
                return null;
            }

            if (!IsCapturedToTheEnd(live, position)
                || !live.CheckpointPassive(live.Second).IsComplete
                || !database.CheckSample()
                || database.Files.TryGetStamp(database.Path) is not { } stamp)
            {
                return null;
            }

            // A file system that counts in seconds has ticks that are longer than anybody would wait.
            var countsSeconds = stamp.ModifiedNs % NanosecondsOfSecond == 0 || stamp.ChangedNs % NanosecondsOfSecond == 0;
            return countsSeconds ? null : new OrderlyEnd(position.Txid, checksum, live.Guard.ReadChangeCounter(), stamp);
        }
        catch (TidemarkException)
        {
            return null; // Somebody is in the way, or the disk is full. The end does not wait for that.
        }
    }

    /// <summary>Closes the database, and notes in the spool how it was left if nobody has written it meanwhile.</summary>
    /// <param name="database">The database.</param>
    /// <param name="prepared">What <see cref="Prepare"/> returned.</param>
    /// <returns>What something other than SQLite has done to the files meanwhile; then they were not touched.</returns>
    public static ForeignChange? Complete(CapturedDatabase database, OrderlyEnd? prepared)
    {
        var walPath = database.Live?.WalPath;
        var change = database.CloseInOrder();
        if (prepared is not null
            && walPath is not null
            && database.Live is null
            && !database.Files.FileExists(walPath)
            && database.Files.TryGetStamp(database.Path) == prepared.Stamp)
        {
            Note(database, prepared);
        }

        return change;
    }

    // In WAL mode every connection holds a shared lock on these bytes of the database file as long as it is open.
    // https://www.sqlite.org/src/file/src/os.h: SHARED_FIRST, SHARED_SIZE
    private static bool OthersHaveItOpen(CapturedDatabase database)
    {
        if (database.Live!.IsUsedByOthers is { } isUsed)
        {
            return isUsed;
        }

        const long SharedFirst = 0x4000_0002;
        const long SharedLast = SharedFirst + 509;
        return FileLocks.FindReaders(database.Files, database.Path, SharedFirst, SharedLast) is { } processes
            && processes.Any(process => process != Environment.ProcessId);
    }

    private static void Note(CapturedDatabase database, OrderlyEnd end)
    {
        try
        {
            database.NoteEnd(end);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start compares pages.
        }
    }

    private static bool IsCapturedToTheEnd(LiveDatabase live, Position position)
        => live.ReadNewest().End is not { } end || (end.Salts == position.Salts && end.FrameCount == position.Frame);
}
