namespace Tidemark.Formats.Ltx;

/// <summary>What an <see cref="LtxReader"/> does next.</summary>
internal enum LtxReaderStage
{
    Header,
    Pages,
    Trailer,
    Finish,
    Done,
}
