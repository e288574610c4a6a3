namespace Tidemark.Replication.Capture;

/// <summary>What became of the WAL of a database whose files were changed by something other than SQLite.</summary>
internal enum AbandonedWal
{
    /// <summary>It was left as it is: others have the database open, or it cannot be told whether they have.</summary>
    InUse,

    /// <summary>It was left as it is, since it holds what was not captured, or is another one than before.</summary>
    NotOurs,

    /// <summary>The database file is the one that it belongs to: it was copied into the file and removed, as by the last one to close the
    /// database.</summary>
    Copied,

    /// <summary>It belongs to the file that was there before, and was moved to the spool.</summary>
    MovedAway,

    /// <summary>It belongs to the file that was there before and holds nothing that is not captured; it was removed, since the spool had no
    /// room for it.</summary>
    Removed,
}
