using Tidemark.Replicas.Files;

namespace Tidemark.Testing;

/// <summary>Reads files that nobody has open: restored databases, replicas at rest, and sources whose connections are all closed.</summary>
public static class PlainFile
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>The whole file.</summary>
    public static byte[] Read(string path)
    {
        using var file = PhysicalFileSystem.Instance.Open(path, FileMode.Open, FileAccess.Read);
        var bytes = new byte[file.Length];
        _ = file.Read(0, bytes);
        return bytes;
    }

    /// <summary>
    /// Compares two files page by page, a megabyte at a time, and returns the number of the first page that differs, or null.
    /// </summary>
    public static long? FirstDifferentPage(string left, string right, int pageSizeBytes)
    {
        using var leftFile = PhysicalFileSystem.Instance.Open(left, FileMode.Open, FileAccess.Read);
        using var rightFile = PhysicalFileSystem.Instance.Open(right, FileMode.Open, FileAccess.Read);
        var (leftChunk, rightChunk) = (new byte[ChunkBytes], new byte[ChunkBytes]);
        for (var offset = 0L; offset < Math.Max(leftFile.Length, rightFile.Length); offset += ChunkBytes)
        {
            var leftBytes = leftChunk.AsSpan(0, leftFile.Read(offset, leftChunk));
            var rightBytes = rightChunk.AsSpan(0, rightFile.Read(offset, rightChunk));
            if (!leftBytes.SequenceEqual(rightBytes))
            {
                return ((offset + leftBytes.CommonPrefixLength(rightBytes)) / pageSizeBytes) + 1;
            }
        }

        return null;
    }
}
