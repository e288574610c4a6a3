using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Compaction;

/// <summary>Files of a replica cannot be merged into one.</summary>
public sealed class CompactionException : TidemarkException
{
    private const string SecondWriterHint = "Look for a second program that writes to this replica.";

    private CompactionException(CompactionOutcome outcome, string message, string? hint, Exception? innerException = null)
        : base(message, hint, innerException)
        => Outcome = outcome;

    /// <summary>The file that is to blame, or null.</summary>
    internal LtxFileKey? Key { get; private init; }

    /// <summary>What this means for a run; <see cref="CompactionOutcome.Idle"/> when it is no result but a failure.</summary>
    internal CompactionOutcome Outcome { get; }

    internal static CompactionException Hole(string store, Level level, Txid missingFrom, Txid missingTo)
        => new(
            CompactionOutcome.Gap,
            $"{store}: level {level} lacks the TXIDs {missingFrom} to {missingTo}, but holds later ones.",
            "Bring the missing files back, or write a snapshot of the database.");

    internal static CompactionException WrongTxids(MergeSource source, in LtxHeader header)
        => new(
            CompactionOutcome.Damaged,
            $"{source.Name}: the file holds TXIDs {header.MinTxid} to {header.MaxTxid}, which is not what its name says.",
            SecondWriterHint)
        {
            Key = source.Key,
        };

    internal static CompactionException TwoPageSizes(MergeSource newer, PageSize size, MergeSource older, PageSize expected)
        => new(
            CompactionOutcome.NeedsImage,
            $"{newer.Name}: the pages have {size} bytes, but those of {older.Key} have {expected}.",
            "Write a snapshot of the database.");

    internal static CompactionException AnotherFileIsThere(string store, LtxFileKey key)
        => new(CompactionOutcome.Idle, $"{store}: there is another file {key} already, which leads to another state.", SecondWriterHint);

    internal static CompactionException TemporaryFile(string folder, Exception e)
        => new(CompactionOutcome.Idle, $"{folder}: cannot use temporary files: {e.Message}", FileErrors.HintFor(e, folder), e)
        {
            IsTransient = FileErrors.IsTransient(e),
        };
}
