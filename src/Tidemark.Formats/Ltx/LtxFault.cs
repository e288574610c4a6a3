namespace Tidemark.Formats.Ltx;

/// <summary>What is wrong with an LTX file.</summary>
/// <remarks>Each fault is one rule of the format; see docs/format/ltx.md, "Rules".</remarks>
public enum LtxFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The bytes end before the file does.</summary>
    Truncated,

    /// <summary>The file does not begin with the magic number of LTX.</summary>
    NotAnLtxFile,

    /// <summary>The header has a flag that no known version has.</summary>
    UnknownHeaderFlags,

    /// <summary>The page size is not a power of two from 512 to 65,536.</summary>
    InvalidPageSize,

    /// <summary>A TXID is zero, or the last TXID comes before the first.</summary>
    InvalidTxids,

    /// <summary>The range in the WAL is negative, or there is a size or a salt without an offset.</summary>
    InvalidWalRange,

    /// <summary>There is a checksum-before field where none is allowed: in a snapshot, or in a file that does not track
    /// checksums.</summary>
    UnexpectedPreApplyChecksum,

    /// <summary>The checksum-before field is missing in a file that tracks checksums, or lacks bit 63.</summary>
    InvalidPreApplyChecksum,

    /// <summary>The proof has an unknown flag, a checksum without bit 63, bytes where nothing is announced, or a checksum before a
    /// snapshot.</summary>
    InvalidProof,

    /// <summary>A page has a flag that no known version has.</summary>
    UnknownPageFlags,

    /// <summary>A page number is zero, the lock page, or above the database size.</summary>
    InvalidPageNumber,

    /// <summary>A page number is not above the one before.</summary>
    PageOutOfOrder,

    /// <summary>A snapshot lacks a page.</summary>
    MissingPage,

    /// <summary>A compressed page is empty or longer than any page can become.</summary>
    InvalidFrameSize,

    /// <summary>A compressed page cannot be expanded.</summary>
    InvalidCompression,

    /// <summary>A page expands to another size than that of a page.</summary>
    WrongExpandedSize,

    /// <summary>The page index does not name exactly the pages that are in the file.</summary>
    IndexMismatch,

    /// <summary>The size of the page index is not what the file says.</summary>
    IndexSizeMismatch,

    /// <summary>There is a checksum-after field in a file that does not track checksums.</summary>
    UnexpectedPostApplyChecksum,

    /// <summary>The checksum-after field is missing in a file that tracks checksums or leaves an empty database, or is not one.</summary>
    InvalidPostApplyChecksum,

    /// <summary>The file checksum lacks bit 63.</summary>
    InvalidFileChecksum,

    /// <summary>The file checksum is not that of the file's contents.</summary>
    FileChecksumMismatch,

    /// <summary>The checksum-after field of a snapshot is not that of its pages.</summary>
    DatabaseChecksumMismatch,

    /// <summary>There are bytes after the end of the file.</summary>
    TrailingBytes,
}
