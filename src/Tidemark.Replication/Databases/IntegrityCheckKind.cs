namespace Tidemark.Replication.Databases;

/// <summary>How thoroughly SQLite checks a database.</summary>
public enum IntegrityCheckKind
{
    /// <summary>Structure only: <c>PRAGMA quick_check</c>.</summary>
    Quick,

    /// <summary>Structure, and indexes against tables: <c>PRAGMA integrity_check</c>.</summary>
    Full,
}
