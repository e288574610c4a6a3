using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Compaction;

/// <summary>What a run of <see cref="CompactionStep"/> or <see cref="SnapshotCompositionStep"/> has done.</summary>
public sealed record CompactionResult
{
    /// <summary>How it has ended.</summary>
    public required CompactionOutcome Outcome { get; init; }

    /// <summary>The file that was written; null unless one was.</summary>
    public LtxFileInfo? File { get; init; }

    /// <summary>Whether the pages of the new file, a snapshot, were compared with the checksum that was captured.</summary>
    public bool IsProven { get; init; }

    /// <summary>How many files it was made of.</summary>
    public int InputCount { get; init; }

    /// <summary>Bytes read, also from local copies and temporary files.</summary>
    public long BytesRead { get; init; }

    /// <summary>Size of the file that was written, in bytes.</summary>
    public long BytesWritten => File?.SizeBytes ?? 0;

    /// <summary>Whether the next run would merge again at once.</summary>
    public bool HasMore { get; init; }

    /// <summary>The file that is damaged; null when none is, or when not one file alone is to blame.</summary>
    public LtxFileKey? DamagedFile { get; init; }

    /// <summary>What is wrong, in words; null when nothing is.</summary>
    public TidemarkException? Failure { get; init; }

    internal static CompactionResult Idle { get; } = new() { Outcome = CompactionOutcome.Idle };

    internal static CompactionResult Failed(CompactionOutcome outcome, TidemarkException failure, LtxFileKey? damagedFile = null)
        => new() { Outcome = outcome, Failure = failure, DamagedFile = damagedFile };
}
