using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Restore;

/// <summary>Some bytes of a file, read with one request.</summary>
/// <param name="File">The file.</param>
/// <param name="Offset">Where they begin.</param>
/// <param name="SizeBytes">How many there are, by the listing.</param>
/// <param name="IsLast">Whether the file ends with them.</param>
internal readonly record struct FileRange(LtxFileInfo File, long Offset, int SizeBytes, bool IsLast)
{
    /// <summary>The most that a range has: long enough that waiting for the first byte costs little.</summary>
    public const int SizeBytesMax = 2 << 20;

    /// <summary>The ranges of files, in their order; an empty file has one.</summary>
    public static IEnumerable<FileRange> Of(IEnumerable<LtxFileInfo> files)
    {
        foreach (var file in files)
        {
            var offset = 0L;
            for (; file.SizeBytes - offset > SizeBytesMax; offset += SizeBytesMax)
            {
                yield return new FileRange(file, offset, SizeBytesMax, IsLast: false);
            }

            yield return new FileRange(file, offset, (int)(file.SizeBytes - offset), IsLast: true);
        }
    }
}
