namespace Tidemark.Formats.Wal;

/// <summary>What is wrong with a WAL header or frame.</summary>
public enum WalFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The bytes end before the structure does.</summary>
    Truncated,

    /// <summary>The magic number is not that of a WAL.</summary>
    NotAWal,

    /// <summary>The format version is not 3007000.</summary>
    UnknownVersion,

    /// <summary>The page size is not a power of two from 512 to 65,536.</summary>
    InvalidPageSize,

    /// <summary>A frame has page number 0.</summary>
    InvalidPageNumber,

    /// <summary>The salts of a frame are not those of the WAL: the frame belongs to another run.</summary>
    SaltMismatch,

    /// <summary>The running checksum does not match.</summary>
    ChecksumMismatch,
}
