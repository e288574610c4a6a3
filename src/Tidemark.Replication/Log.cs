using Microsoft.Extensions.Logging;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication;

/// <summary>Events of replication, 2000 to 2099. Numbers are never used again for something else.</summary>
internal static partial class Log
{
    /// <summary>Whether a failure says nothing of the world, but that Tidemark itself is wrong.</summary>
    public static bool IsDefect(Exception failure)
        => failure is not (TidemarkException or IOException or UnauthorizedAccessException or OperationCanceledException);

    /// <summary>What a person needs to know of a failure: what is wrong, and how to mend it where that is known.</summary>
    public static string Reason(Exception failure)
    {
        if (IsDefect(failure))
        {
            return $"a defect of Tidemark, please report it with the log ({failure.GetType().Name}: {failure.Message})";
        }

        var hint = Hint(failure);
        return hint is null ? failure.Message : $"{failure.Message} {hint}";
    }

    /// <summary>What a person can do. What is not wrapped comes from the spool, or from reading the WAL.</summary>
    public static string? Hint(Exception failure)
        => failure is TidemarkException known ? known.Hint : FileErrors.HintFor(failure, "the spool and the database");

    [LoggerMessage(2000, LogLevel.Information, "Replicating {Database} to {Destination}")]
    public static partial void Replicating(this ILogger logger, string database, string destination);

    [LoggerMessage(2001, LogLevel.Debug, "Captured {Database} up to TXID {Txid}: {PageCount} pages")]
    public static partial void Captured(this ILogger logger, string database, Txid txid, long pageCount);

    [LoggerMessage(2002, LogLevel.Information, "Captured all {PageCount} pages of {Database} as TXID {Txid}")]
    public static partial void CapturedImage(this ILogger logger, string database, Txid txid, long pageCount);

    [LoggerMessage(
        EventId = 2003,
        Message = "{Database} does not continue the last capture, since {Reason}: captured the {PageCount} pages that differ as TXID {Txid}")]
    public static partial void Healed(
        this ILogger logger, LogLevel level, string database, string reason, long pageCount, Txid txid);

    [LoggerMessage(2004, LogLevel.Information, "Waiting for {Database}: there is no database yet")]
    public static partial void WaitingForDatabase(this ILogger logger, string database);

    [LoggerMessage(2005, LogLevel.Debug, "Shipped {File} of {Database} to {Destination}: {SizeBytes} bytes")]
    public static partial void Shipped(this ILogger logger, string database, string file, string destination, long sizeBytes);

    [LoggerMessage(
        2007,
        LogLevel.Debug,
        "Checkpointed {Database}: {FramesCopied} of {FramesInWal} frames, WAL starts over: {IsSealed}, writers waited {WaitMs:0.0} ms")]
    public static partial void Checkpointed(
        this ILogger logger, string database, uint framesCopied, uint framesInWal, bool isSealed, double waitMs);

    [LoggerMessage(
        2008,
        LogLevel.Warning,
        "The WAL of {Database} cannot start over: a reader has pinned it since {Since:O}; it holds {FramesInWal} frames. Readers: {Holders}")]
    public static partial void Pinned(this ILogger logger, string database, DateTimeOffset since, uint framesInWal, string holders);

    [LoggerMessage(2009, LogLevel.Warning, "Cannot capture {Database}, trying again in {DelayMs:0} ms: {Reason}")]
    public static partial void CaptureFailed(this ILogger logger, string database, double delayMs, string reason);

    [LoggerMessage(2010, LogLevel.Warning, "Cannot ship {Database} to {Destination}, trying again in {DelayMs:0} ms: {Reason}")]
    public static partial void ShippingFailed(this ILogger logger, string database, string destination, double delayMs, string reason);

    [LoggerMessage(
        2011,
        LogLevel.Error,
        "Stopped with captures of {Database} that {Destination} does not have: it holds TXID {Shipped} of {Captured}. "
        + "They stay in {Spool} and are shipped after the next start. Why: {Reason}")]
    public static partial void NotShipped(
        this ILogger logger, string database, string destination, Txid shipped, Txid captured, string spool, string reason);

    [LoggerMessage(
        2015,
        LogLevel.Warning,
        "{Destination} holds files of another writer up to TXID {Txid} (lineage {Lineage}), and {Database} has no spool that says otherwise: "
            + "its history goes on from there. If that is another database's replica, stop now and use another URL")]
    public static partial void TookOver(this ILogger logger, string database, string destination, Txid txid, Lineage lineage);

    [LoggerMessage(
        2016,
        LogLevel.Information,
        "Read TXID {Txid} of {Database}, {PageCount} pages, from {Destination}: only pages that differ from it are captured next")]
    public static partial void TookBase(this ILogger logger, string database, string destination, Txid txid, uint pageCount);

    [LoggerMessage(
        2017,
        LogLevel.Warning,
        "Cannot read the newest state of {Database} from {Destination}; without one, all pages are captured next: {Reason}")]
    public static partial void BaseFailed(this ILogger logger, string database, string destination, string reason);

    [LoggerMessage(2014, LogLevel.Debug, "{Database} is as it was captured last, as TXID {Txid}")]
    public static partial void Unchanged(this ILogger logger, string database, Txid txid);

    [LoggerMessage(2013, LogLevel.Error, "Nothing more of {Database} is shipped to {Destination}: {Reason}")]
    public static partial void ReplicaConflict(this ILogger logger, string database, string destination, string reason);

    [LoggerMessage(2012, LogLevel.Information, "Stopped replicating {Database} at TXID {Txid}; all destinations have it")]
    public static partial void Stopped(this ILogger logger, string database, Txid txid);

    [LoggerMessage(2030, LogLevel.Error, "{Database} is not replicated any more: {Reason}")]
    public static partial void ReplicationEnded(this ILogger logger, string database, string reason);

    [LoggerMessage(2031, LogLevel.Information, "Wrote all pages of {Database} as {Image}, for level {Level} of {Destination}, which lacks captures")]
    public static partial void ImageWritten(this ILogger logger, string database, string image, string destination, int level);

    [LoggerMessage(
        2032,
        LogLevel.Warning,
        "Compaction, snapshots or retention of {Database} at {Destination} failed, trying again in {DelayMs:0} ms: {Reason}")]
    public static partial void MaintenanceFailed(this ILogger logger, string database, string destination, double delayMs, string reason);

    [LoggerMessage(
        EventId = 2033,
        Message = "Compacted {InputCount} files of {Database} at {Destination} into {File}: {BytesRead} bytes became {SizeBytes}")]
    public static partial void Compacted(
        this ILogger logger, LogLevel level, string database, string file, string destination, int inputCount, long bytesRead, long sizeBytes);

    [LoggerMessage(
        EventId = 2049,
        Message = "Wrote snapshot {File} of {Database} at {Destination} from {InputCount} files: {SizeBytes} bytes")]
    public static partial void SnapshotWritten(
        this ILogger logger, LogLevel level, string database, string file, string destination, int inputCount, long sizeBytes);

    [LoggerMessage(
        EventId = 2034,
        Message = "Deleted {FileCount} files of {Database} from {Destination}, {SizeBytes} bytes; history begins at TXID {Floor}")]
    public static partial void Deleted(
        this ILogger logger, LogLevel level, string database, string destination, int fileCount, long sizeBytes, Txid floor);

    [LoggerMessage(2035, LogLevel.Warning, "{File} of {Database} was damaged at {Destination}, and was written again")]
    public static partial void ShippedAgain(this ILogger logger, string database, string file, string destination);

    [LoggerMessage(
        2036,
        LogLevel.Error,
        "The files of {Database} at {Destination} cannot be compacted, so a snapshot of the database as it is will follow: {Reason}")]
    public static partial void CannotContinue(this ILogger logger, string database, string destination, string reason);

    [LoggerMessage(
        2037,
        LogLevel.Warning,
        "The spool of {Database} held more than {LimitBytes} bytes for destinations that lack them: dropped the {Count} oldest captures, up to "
            + "TXID {Txid}. A destination that lacks them goes on from a full image, and the states in between cannot be restored from it")]
    public static partial void SpoolIsFull(this ILogger logger, string database, long limitBytes, int count, Txid txid);

    [LoggerMessage(
        2038,
        LogLevel.Warning,
        "{Destination} was another writer's until now ({Found}); from now on {Database} is replicated to it. If that one still runs, both "
            + "find out and stop")]
    public static partial void ClaimTaken(this ILogger logger, string database, string destination, WriterClaim found);

    [LoggerMessage(
        2039,
        LogLevel.Warning,
        "Two processes replicated to {Destination} before ({Found} was one of them); now {Database} is replicated to it. If the other one "
            + "still runs, both find out and stop")]
    public static partial void ClaimWasContested(this ILogger logger, string database, string destination, WriterClaim found);

    [LoggerMessage(
        2040, LogLevel.Warning, "What lies at {Destination} to say who writes there cannot be read; {Database} has written it anew")]
    public static partial void ClaimUnreadable(this ILogger logger, string database, string destination);

    [LoggerMessage(
        2041, LogLevel.Error, "A file of {Database} at {Destination} is damaged, and the spool does not have it any more: {Reason}")]
    public static partial void Damaged(this ILogger logger, string database, string destination, string reason);

    [LoggerMessage(
        2042,
        LogLevel.Error,
        "The last changes of {Database} could not be captured after TXID {Txid}. They are in the database, and are captured after the next "
            + "start. Why: {Reason}")]
    public static partial void LastCaptureMissing(this ILogger logger, string database, Txid txid, string reason);

    [LoggerMessage(2043, LogLevel.Information, "{Database} is captured again")]
    public static partial void CapturesAgain(this ILogger logger, string database);

    [LoggerMessage(2044, LogLevel.Information, "{Database} is shipped to {Destination} again")]
    public static partial void ShipsAgain(this ILogger logger, string database, string destination);

    [LoggerMessage(2045, LogLevel.Warning, "The spool of {Database} cannot be cleaned up: {Reason}")]
    public static partial void SpoolNotCleaned(this ILogger logger, string database, string reason);

    [LoggerMessage(2046, LogLevel.Warning, "{Database} is gone. It is waited for; what was captured stays in its replica")]
    public static partial void DatabaseIsGone(this ILogger logger, string database);

    [LoggerMessage(2047, LogLevel.Error, "A look at {Database} failed: {Reason}")]
    public static partial void SweepFailed(this ILogger logger, string database, string reason);

    [LoggerMessage(
        EventId = 2080, Message = "Audited {Database}: all {PageCount} pages are equal to the live database as of TXID {Txid}")]
    public static partial void Audited(this ILogger logger, LogLevel level, string database, long pageCount, Txid txid);

    [LoggerMessage(
        2081,
        LogLevel.Error,
        "An audit found that {PageCount} pages of {Database} are not what was captured up to TXID {Txid}: {Pages}. They are captured now; "
            + "the states before may lack them. Somebody wrote the file without SQLite, or the disk has changed it: check the database with "
            + "PRAGMA integrity_check")]
    public static partial void AuditFoundDifference(this ILogger logger, string database, long pageCount, string pages, Txid txid);

    [LoggerMessage(2082, LogLevel.Warning, "Cannot audit {Database}, trying again in {DelayMs:0} ms: {Reason}")]
    public static partial void AuditFailed(this ILogger logger, string database, double delayMs, string reason);

    [LoggerMessage(2083, LogLevel.Warning, "What an audit of {Database} found cannot be kept in the spool: {Reason}")]
    public static partial void AuditNotKept(this ILogger logger, string database, string reason);

    /// <summary>Which pages an audit found, as far as is known.</summary>
    public static string Pages(IReadOnlyList<uint> first, long count)
        => first.Count == 0 ? "which ones is not known" : $"page {string.Join(", ", first)}{(count > first.Count ? ", …" : "")}";

    [LoggerMessage(
        2048,
        LogLevel.Warning,
        "All pages of {Database} have to be written to the spool for a destination that lacks captures, which failed; trying again in "
            + "{DelayMs:0} ms: {Reason}")]
    public static partial void ImageFailed(this ILogger logger, string database, double delayMs, string reason);

    [LoggerMessage(
        2050,
        LogLevel.Error,
        "{Database}: {Change}. {Wal}. The database is opened anew and all its pages are compared with what was captured last. {Advice}")]
    public static partial void ForeignChange(this ILogger logger, string database, string change, string wal, string advice);

    [LoggerMessage(2051, LogLevel.Debug, "Nobody else has {Database} open, and everything is captured: it was closed, and is watched")]
    public static partial void ClosedAtRest(this ILogger logger, string database);

    [LoggerMessage(
        2060,
        LogLevel.Warning,
        "{Database} was last written by SQLite {Version}, which has the WAL-reset bug: with several connections, of which replication is one, "
            + "it can damage the database. Give the application SQLite 3.51.3 or newer")]
    public static partial void WriterHasWalResetBug(this ILogger logger, string database, SqliteVersion version);

    [LoggerMessage(
        2065,
        LogLevel.Error,
        "A defect of Tidemark has ended {Work} of {Database}, which is tried again. Please report it with this line: {Defect}")]
    public static partial void Defect(this ILogger logger, string work, string database, string defect);

    [LoggerMessage(2066, LogLevel.Error, "{Database} is not replicated, and is tried again in {DelayMs:0} ms: {Reason}")]
    public static partial void DatabaseRefused(this ILogger logger, string database, double delayMs, string reason);

    [LoggerMessage(
        2067,
        LogLevel.Warning,
        "{Database}: {Work} has taken {Seconds:0} s and is waited for: a disk or a destination does not answer, or there is much to do")]
    public static partial void TakesLong(this ILogger logger, string database, string work, double seconds);

    [LoggerMessage(
        2068, LogLevel.Warning, "{Database} is empty, a file of 0 bytes. A database is waited for; what was captured stays in its replica")]
    public static partial void DatabaseIsEmpty(this ILogger logger, string database);

    [LoggerMessage(2069, LogLevel.Information, "{Database} was in rollback mode, and was switched to WAL mode, which replication needs")]
    public static partial void SwitchedToWal(this ILogger logger, string database);

    [LoggerMessage(
        2071,
        LogLevel.Debug,
        "{Database} could not say at {Destination} that it writes no more there, so another writer waits a little: {Reason}")]
    public static partial void NotReleased(this ILogger logger, string database, string destination, string reason);

    [LoggerMessage(
        2070,
        LogLevel.Warning,
        "The spool of {Database} cannot note what {Destination} holds, so that the next start knows less of it: {Reason}")]
    public static partial void NotRemembered(this ILogger logger, string database, string destination, string reason);

    [LoggerMessage(
        2072,
        LogLevel.Warning,
        "The clock says that {Leap} have passed which nobody saw pass: a long stop, a suspended machine, or a clock that jumped. Files of "
            + "{Database} at {Destination} from before that are deleted as much later")]
    public static partial void ClockNotBelieved(this ILogger logger, string database, string destination, TimeSpan leap);
}
