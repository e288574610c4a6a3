namespace Tidemark.Replication.Databases;

/// <summary>What happened to the files of an open database other than by SQLite.</summary>
internal enum ForeignChange
{
    /// <summary>The database file was deleted or moved away.</summary>
    DatabaseIsGone,

    /// <summary>Another file lies in the place of the database.</summary>
    DatabaseWasReplaced,

    /// <summary>The WAL was deleted, or another file lies in its place.</summary>
    WalWasReplaced,

    /// <summary>The WAL index was deleted, or another file lies in its place.</summary>
    IndexWasReplaced,

    /// <summary>Something wrote the database file while its WAL was open.</summary>
    DatabaseWasWritten,

    /// <summary>Another process has the database file open, but with another WAL: through a mount or a link of the file.</summary>
    HasSecondWal,
}
