using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Restore;

/// <summary>The files of a plan are whole, each for itself, but do not lead to the state that they should.</summary>
public sealed class RestoreVerificationException : TidemarkException
{
    private const string OlderHint =
        "Restore an older state with -txid or -timestamp, and look for a second program that writes to this replica.";

    private RestoreVerificationException(string message)
        : base(message, OlderHint)
    {
    }

    internal static RestoreVerificationException WrongTxids(string file, in LtxHeader header)
        => new($"{file}: the file holds TXIDs {header.MinTxid} to {header.MaxTxid}, which is not what its name says.");

    internal static RestoreVerificationException WrongPageSize(string file, PageSize size, PageSize expected)
        => new($"{file}: the pages have {size} bytes, but those of later files have {expected}.");

    internal static RestoreVerificationException TooManyPages(string file, uint commit, long totalSizeBytes)
        => new($"{file}: the database should have {commit} pages, which cannot be in files of {totalSizeBytes} bytes together.");

    internal static RestoreVerificationException MissingPage(uint page, uint commit)
        => new($"Page {page} of {commit} is in no file of the plan.");

    internal static RestoreVerificationException NotTheSameHistory(
        LtxFileKey older, DatabaseChecksum after, LtxFileKey newer, DatabaseChecksum before)
        => new($"File {older} leads to a database of checksum {after}, but {newer} continues one of checksum {before}.");

    internal static RestoreVerificationException WrongDatabase(LtxFileKey newest, DatabaseChecksum built, DatabaseChecksum expected)
        => new($"The restored database has the checksum {built}, but {newest} leads to one of checksum {expected}.");
}
