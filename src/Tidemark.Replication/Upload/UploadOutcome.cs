namespace Tidemark.Replication.Upload;

/// <summary>What an upload did, in a word.</summary>
internal enum UploadOutcome
{
    /// <summary>The destination has everything that was captured.</summary>
    Idle,

    /// <summary>One file was shipped.</summary>
    Uploaded,

    /// <summary>The spool cannot continue what the destination has: a snapshot has to be made first.</summary>
    NeedsSnapshot,
}
