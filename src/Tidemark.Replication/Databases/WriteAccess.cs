namespace Tidemark.Replication.Databases;

/// <summary>Whether this process may read and write a file, or what lies in a folder.</summary>
internal enum WriteAccess
{
    /// <summary>It may, or the system does not tell.</summary>
    Granted,

    /// <summary>There is none.</summary>
    Missing,

    /// <summary>It may not.</summary>
    Denied,

    /// <summary>Nobody may: the disk is mounted read-only.</summary>
    ReadOnlyDisk,
}
