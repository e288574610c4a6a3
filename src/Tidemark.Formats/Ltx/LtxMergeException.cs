using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>LTX files are whole, each for itself, but cannot become one.</summary>
public sealed class LtxMergeException : TidemarkException
{
    private const string ImageHint = "Begin the replica anew from a full image, and look for a second program that writes to it.";

    private LtxMergeException(string message)
        : base(message, ImageHint)
    {
    }

    internal static LtxMergeException NotOneHistory(string older, DatabaseChecksum after, string newer, DatabaseChecksum before)
        => new($"{older} and {newer} are not one history: "
            + $"the one leads to a database of checksum {after}, the other continues one of checksum {before}.");

    internal static LtxMergeException MissingPage(string newest, uint pageNumber, uint commit)
        => new($"{newest}: page {pageNumber} of {commit} is in none of the files up to this one.");

    internal static LtxMergeException WrongDatabase(string newest, DatabaseChecksum built, DatabaseChecksum expected)
        => new($"{newest}: the pages up to this file have the checksum {built}, but it leads to a database of checksum {expected}.");

    internal static LtxMergeException NothingBefore(string oldest)
        => new($"{oldest}: a database without pages can follow only a state whose checksum is known, and this file does not tell it.");
}
