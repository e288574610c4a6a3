namespace Tidemark.Formats.Ltx;

/// <summary>The words for each <see cref="LtxFault"/>.</summary>
internal static class LtxFaultText
{
    private const string Damaged = "The file is damaged; restore from another TXID or replica.";

    /// <summary>The cause, to stand between the name of the file and the offset.</summary>
    public static string Describe(LtxFault fault) => fault switch
    {
        LtxFault.None => "there is nothing wrong",
        LtxFault.Truncated => "the file ends too early",
        LtxFault.NotAnLtxFile => "this is not an LTX file",
        LtxFault.UnknownHeaderFlags => "the header has an unknown flag",
        LtxFault.InvalidPageSize => "the page size is not a power of two from 512 to 65536",
        LtxFault.InvalidTxids => "the TXIDs do not begin at 1 or later, or end before they begin",
        LtxFault.InvalidWalRange => "the range in the WAL is not valid",
        LtxFault.UnexpectedPreApplyChecksum => "the header has a checksum-before where none is allowed",
        LtxFault.InvalidPreApplyChecksum => "the header has no valid checksum-before",
        LtxFault.InvalidProof => "the proof in the header is not valid",
        LtxFault.UnknownPageFlags => "a page has an unknown flag",
        LtxFault.InvalidPageNumber => "a page number is not in the database",
        LtxFault.PageOutOfOrder => "the pages are not in ascending order",
        LtxFault.MissingPage => "a page of the snapshot is missing",
        LtxFault.InvalidFrameSize => "the size of a compressed page is not possible",
        LtxFault.InvalidCompression => "a compressed page cannot be expanded",
        LtxFault.WrongExpandedSize => "a page expands to a wrong size",
        LtxFault.IndexMismatch => "the page index does not name exactly the pages of the file",
        LtxFault.IndexSizeMismatch => "the size of the page index is wrong",
        LtxFault.UnexpectedPostApplyChecksum => "the trailer has a checksum-after where none is allowed",
        LtxFault.InvalidPostApplyChecksum => "the trailer has no valid checksum-after",
        LtxFault.InvalidFileChecksum => "the trailer has no valid file checksum",
        LtxFault.FileChecksumMismatch => "the file checksum does not match the contents",
        LtxFault.DatabaseChecksumMismatch => "the checksum-after does not match the pages of the snapshot",
        LtxFault.TrailingBytes => "the file goes on after its end",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "There is no such fault."),
    };

    /// <summary>What a person can do.</summary>
    public static string? HintFor(LtxFault fault) => fault switch
    {
        LtxFault.None => null,
        LtxFault.Truncated => "The file is not complete; restore from another TXID or replica.",
        LtxFault.NotAnLtxFile => "Check that the path leads to a replica, and that no other program writes into it.",
        LtxFault.UnknownHeaderFlags or LtxFault.UnknownPageFlags or LtxFault.InvalidProof
            => "If a newer version wrote the file, use that version; otherwise the file is damaged: restore from another TXID or replica.",
        _ => Damaged,
    };
}
