namespace Tidemark.Replication.Databases;

/// <summary>What the system's word on a file says of its content.</summary>
internal enum FileChange
{
    /// <summary>It is what it was.</summary>
    None,

    /// <summary>The file was written; only its content tells whether it is another.</summary>
    Unknown,

    /// <summary>It is another.</summary>
    Certain,
}
