namespace Tidemark.Formats.Ltx;

/// <summary>What an <see cref="LtxMerge"/> does next.</summary>
internal enum LtxMergeStage
{
    Header,
    Frames,
    Index,
    End,
    Done,
}
