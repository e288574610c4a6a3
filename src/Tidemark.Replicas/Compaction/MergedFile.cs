using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Compaction;

/// <summary>A file that files have become.</summary>
/// <param name="Info">The file.</param>
/// <param name="InputCount">How many files it was made of.</param>
/// <param name="BytesRead">Bytes read of them.</param>
/// <param name="IsProven">Whether it is a snapshot whose pages add up to the checksum that was captured.</param>
internal readonly record struct MergedFile(LtxFileInfo Info, int InputCount, long BytesRead, bool IsProven);
