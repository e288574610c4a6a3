namespace Tidemark.Replicas.Compaction;

/// <summary>How a run of <see cref="CompactionStep"/> or <see cref="SnapshotCompositionStep"/> has ended.</summary>
public enum CompactionOutcome
{
    /// <summary>There was nothing to merge.</summary>
    Idle,

    /// <summary>A file was written.</summary>
    Compacted,

    /// <summary>Captures are missing, while later ones are there. A snapshot that leads over the hole, from a full image, lets compaction go
    /// on.</summary>
    Gap,

    /// <summary>A file is damaged, or the files are not one history. Nothing was written.</summary>
    Damaged,

    /// <summary>A file is not there any more: the catalogue does not tell what there is. List the replica anew.</summary>
    Stale,

    /// <summary>The files have pages of two sizes, so no snapshot can be composed of them: only a full image can be one.</summary>
    NeedsImage,
}
