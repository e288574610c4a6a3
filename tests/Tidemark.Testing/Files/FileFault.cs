namespace Tidemark.Testing.Files;

/// <summary>How an operation fails.</summary>
public enum FileFault
{
    /// <summary>Nothing is done, or half of a write.</summary>
    Error,

    /// <summary>As <see cref="Error"/>, because the disk is full.</summary>
    DiskFull,

    /// <summary>It is done, and then reported as failed.</summary>
    ErrorAfterSuccess,
}
