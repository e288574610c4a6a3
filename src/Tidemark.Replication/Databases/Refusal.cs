namespace Tidemark.Replication.Databases;

/// <summary>Why a database is not replicated at all: it would be in danger, or its application would.</summary>
internal enum Refusal
{
    /// <summary>There is a pipe, a socket or a device.</summary>
    IsNoFile,

    /// <summary>The file alone is mounted there, so elsewhere it has another WAL.</summary>
    IsMountPoint,

    /// <summary>The file alone is mounted somewhere else, where it has another WAL.</summary>
    IsMountedElsewhere,

    /// <summary>The file has further names, and by each of them another WAL.</summary>
    HasSeveralNames,

    /// <summary>The disk is mounted read-only.</summary>
    IsOnReadOnlyDisk,

    /// <summary>This user may not write the file.</summary>
    FileIsDenied,

    /// <summary>This user may not create and remove files in the folder.</summary>
    FolderIsDenied,

    /// <summary>In this folder, this user may not remove the WAL that its application made.</summary>
    FolderKeepsFilesOfOthers,

    /// <summary>There is a WAL, or an index of one, that this user may not write.</summary>
    WalIsDenied,

    /// <summary>What SQLite would create for this user, the owner of the database could not write.</summary>
    OwnerWouldBeLockedOut,
}
