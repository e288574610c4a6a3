using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>The three files of a database as they are at one moment.</summary>
/// <param name="Database">What the system tells of the file at the database's path; null when there is none.</param>
/// <param name="Wal">Which file lies beside it as its WAL; null when there is none.</param>
/// <param name="Index">Which file lies beside it as its WAL index; null when there is none.</param>
/// <param name="State">How far the WAL was copied into the database file.</param>
internal readonly record struct KnownFiles(FileStamp? Database, FileIdentity? Wal, FileIdentity? Index, WalIndexState State)
{
    /// <summary>What happened to the files since they were known, other than by SQLite; null when nothing did. A pure function.</summary>
    /// <remarks>
    /// In WAL mode SQLite writes a database file only when it copies frames into it, and says so in the WAL's index before and after. So a
    /// file that is another than before while its WAL was not copied on was written by something else.
    /// </remarks>
    /// <param name="now">The files now; of one moment, that is with the same <see cref="State"/> before and after.</param>
    public ForeignChange? FindChange(in KnownFiles now) => now switch
    {
        { Database: null } => ForeignChange.DatabaseIsGone,
        { Database: var file } when file.Value.Identity != Database?.Identity => ForeignChange.DatabaseWasReplaced,
        { Wal: var wal } when wal != Wal => ForeignChange.WalWasReplaced,
        { Index: var index } when index != Index => ForeignChange.IndexWasReplaced,
        { Database: var file } when file != Database && !WasCopiedOn(now.State) => ForeignChange.DatabaseWasWritten,
        _ => null,
    };

    // A WAL that was started over was wholly copied before. If it was so already when it was known, nothing was written for that.
    private bool WasCopiedOn(in WalIndexState now)
        => now.IsBeingCopied || (now.Run == State.Run ? now.Copied != State.Copied : now.Copied > 0 || !State.IsWhollyCopied);
}
