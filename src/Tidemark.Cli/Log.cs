using Microsoft.Extensions.Logging;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;

namespace Tidemark.Cli;

/// <summary>Events of the program, 5000 to 5099. Numbers are never used again for something else.</summary>
internal static partial class Log
{
    /// <summary>What makes sure that a restored database is the one that was captured.</summary>
    public static string Proof(bool isProven)
        => isProven ? "proven by a checksum of the whole database" : "its files have no checksum of the whole database";

    /// <summary>What a file system cannot do, and what follows from it.</summary>
    public static string Describe(FileShortcoming shortcoming) => shortcoming switch
    {
        FileShortcoming.FolderSync => "make the names in a folder durable: a loss of power may take the newest files",
        FileShortcoming.ModificationTimes => "set the time of a file: the moment at which it was written counts as that of its capture",
        _ => "give a file to another user: it stays root's",
    };

    [LoggerMessage(5000, LogLevel.Information, "Tidemark {Version}")]
    public static partial void Started(this ILogger logger, string version);

    [LoggerMessage(5001, LogLevel.Warning, "{Problem}")]
    public static partial void ConfigWarning(this ILogger logger, string problem);

    [LoggerMessage(5020, LogLevel.Warning, "LOG_LEVEL is \"{Name}\", but must be trace, debug, info, warn or error: ignored")]
    public static partial void UnknownLogLevel(this ILogger logger, string name);

    [LoggerMessage(5002, LogLevel.Information, "{Database} exists: not restored")]
    public static partial void DatabaseExists(this ILogger logger, string database);

    [LoggerMessage(5003, LogLevel.Information, "There is no backup of {Database}: nothing restored")]
    private static partial void NoBackup(this ILogger logger, string database);

    /// <summary>Tells that there is no backup, and warns where that may be because its place is not there.</summary>
    public static void NoBackup(this ILogger logger, string database, NoMatchingBackupException absence)
    {
        if (absence.IsPlaceMissing)
        {
            logger.PlaceMissing(database, absence.Message);
        }

        logger.NoBackup(database);
    }

    [LoggerMessage(5080, LogLevel.Warning,
        "The place of the backups of {Database} is missing: {Reason} If the disk is not mounted, an application that starts now begins "
        + "with an empty database")]
    private static partial void PlaceMissing(this ILogger logger, string database, string reason);

    [LoggerMessage(5004, LogLevel.Information,
        "Restoring {Database} from {Replica}: {State}, captured at {Captured}")]
    public static partial void Restoring(this ILogger logger, string database, string replica, string state, string captured);

    [LoggerMessage(5005, LogLevel.Information,
        "Restored {Database} at {State}, {SizeBytes} bytes, in {Duration} ({Proof})")]
    public static partial void Restored(
        this ILogger logger, string database, string state, long sizeBytes, string duration, string proof);

    [LoggerMessage(5006, LogLevel.Warning, "Cannot use {Replica}, trying the other destinations: {Reason}")]
    public static partial void ReplicaPassedOver(this ILogger logger, string replica, string reason);

    [LoggerMessage(5030, LogLevel.Warning,
        "A file of the replica is damaged, trying others that lead to the same state (tidemark verify tells more): {Reason}")]
    public static partial void FilePassedOver(this ILogger logger, string reason);

    [LoggerMessage(5070, LogLevel.Warning,
        "SQLite cannot check all of {Database} here, which is no damage: {What}. What needs nothing of the application's own is whole")]
    public static partial void NotChecked(this ILogger logger, string database, string what);

    [LoggerMessage(5071, LogLevel.Warning,
        "{Replica} (newest state captured at {Captured}) and {Other} (at {OtherCaptured}) hold different states under TXID {Txid}: they are "
        + "not of one history. {Replica} is used; name the other one by its URL if that is meant")]
    public static partial void HistoriesDiffer(
        this ILogger logger, string replica, string captured, string other, string otherCaptured, string txid);

    [LoggerMessage(5072, LogLevel.Warning,
        "{Replica} stands in, and nothing proves that it has the same {State} as {Instead}: its files or those of the other have no checksum "
        + "of the whole database")]
    public static partial void StandsInUnproven(this ILogger logger, string replica, string instead, string state);

    [LoggerMessage(5031, LogLevel.Error, "Following has failed for good, and the command is told to end: {Reason}")]
    public static partial void FollowingFailed(this ILogger logger, string reason);

    [LoggerMessage(5007, LogLevel.Information, "Stopping: the last changes are captured and uploaded. A second signal cuts this short")]
    public static partial void Stopping(this ILogger logger);

    [LoggerMessage(5008, LogLevel.Information, "Stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(5009, LogLevel.Information, "Started {Program} as process {ProcessId}")]
    public static partial void ChildStarted(this ILogger logger, string program, int processId);

    [LoggerMessage(5010, LogLevel.Information, "{Program} ended with exit code {ExitCode}")]
    public static partial void ChildEnded(this ILogger logger, string program, int exitCode);

    [LoggerMessage(5011, LogLevel.Error, "Replication failed: {Reason}")]
    public static partial void ReplicationFailed(this ILogger logger, string reason);

    [LoggerMessage(5012, LogLevel.Warning,
        "retention.enabled is false: nothing is deleted from replicas, and they grow until something else deletes")]
    public static partial void RetentionDisabled(this ILogger logger);

    [LoggerMessage(5013, LogLevel.Information, "Following {Replica} into {Database}")]
    public static partial void Following(this ILogger logger, string replica, string database);

    [LoggerMessage(5014, LogLevel.Information,
        "Restored {Database} at TXID {Txid}, {SizeBytes} bytes ({Proof})")]
    public static partial void FollowRestored(this ILogger logger, string database, string txid, long sizeBytes, string proof);

    [LoggerMessage(5015, LogLevel.Information, "Resumed {Database} at TXID {Txid}: nothing is newer")]
    public static partial void FollowResumed(this ILogger logger, string database, string txid);

    [LoggerMessage(5016, LogLevel.Information,
        "Applied changes to {Database}: TXID {FromTxid} to {ToTxid}, {PageCount} pages from {FileCount} files")]
    public static partial void FollowApplied(
        this ILogger logger, string database, string fromTxid, string toTxid, long pageCount, int fileCount);

    [LoggerMessage(5017, LogLevel.Warning, "Restored {Database} again, at TXID {Txid}: {Reason}")]
    public static partial void FollowRestoredAgain(this ILogger logger, string database, string txid, string reason);

    [LoggerMessage(5018, LogLevel.Warning, "Cannot follow, trying again in {RetryIn} (failure {Count} in a row): {Reason}")]
    public static partial void FollowFailed(this ILogger logger, string retryIn, int count, string reason);

    [LoggerMessage(5023, LogLevel.Information, "Following works again (failures before: {Count})")]
    public static partial void FollowRecovered(this ILogger logger, int count);

    [LoggerMessage(5019, LogLevel.Information, "Stopped following into {Database}")]
    public static partial void FollowingStopped(this ILogger logger, string database);

    [LoggerMessage(5022, LogLevel.Information,
        "{Replica} holds a replica of Litestream 0.3 beside LTX files. The newest state that was asked for is in the format {Format}")]
    public static partial void FormatChosen(this ILogger logger, string replica, string format);

    [LoggerMessage(
        5060,
        LogLevel.Warning,
        "SIGHUP: the configuration cannot be read again while this runs, so it goes on as it is; restart it instead")]
    public static partial void HangupIgnored(this ILogger logger);

    [LoggerMessage(5061, LogLevel.Error, "Replication has failed, and the command is told to end: {Reason}")]
    public static partial void ReplicationEndsChild(this ILogger logger, string reason);

    [LoggerMessage(5064, LogLevel.Warning, "The file system of {Path} cannot {What}. It is done without; this is told once")]
    public static partial void FileSystemLacks(this ILogger logger, string path, string what);
}
