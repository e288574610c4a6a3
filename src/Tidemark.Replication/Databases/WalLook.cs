namespace Tidemark.Replication.Databases;

/// <summary>What a look at the end of the WAL says, against the guard.</summary>
internal enum WalLook
{
    /// <summary>Nothing was committed since the guard's snapshot.</summary>
    Nothing,

    /// <summary>The WAL ends beyond the guard's snapshot.</summary>
    New,

    /// <summary>No guard is held, or SQLite is about to write its index; a capture finds out.</summary>
    CannotTell,
}
