namespace Tidemark.Replication.Upload;

/// <summary>What an upload did, in a word.</summary>
internal enum UploadOutcome
{
    /// <summary>The destination has everything that was captured.</summary>
    Idle,

    /// <summary>One file was shipped.</summary>
    Uploaded,

    /// <summary>An image of the whole database has to be written to the spool first: nothing else can continue what the destination has, or
    /// somebody has asked for it.</summary>
    NeedsImage,
}
