namespace Tidemark.Replication.Capture;

/// <summary>What a capture did, in a word.</summary>
internal enum CaptureOutcome
{
    /// <summary>There is no database at the path, or an empty file.</summary>
    NoDatabase,

    /// <summary>Everything was captured before.</summary>
    Idle,

    /// <summary>New frames of the WAL became a file.</summary>
    Frames,

    /// <summary>All pages of the database became a file.</summary>
    Image,

    /// <summary>The pages that differ from the last capture became a file.</summary>
    Difference,

    /// <summary>The WAL did not continue, but no page differs.</summary>
    NoDifference,

    /// <summary>The database file is the one that an orderly end left; no page was read.</summary>
    AsLeft,
}
