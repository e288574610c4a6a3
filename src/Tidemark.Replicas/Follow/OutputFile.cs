using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>The followed database while it is followed: one handle, since closing any handle on a file drops the locks that SQLite holds on
/// it in this process.</summary>
/// <remarks>Failures are those of .NET. Not thread-safe.</remarks>
internal sealed class OutputFile(IFile file, string path, TimeProvider time) : IDisposable
{
    private const int ChunkSizeBytes = 1 << 20;

    /// <summary>The file.</summary>
    public IFile File => file;

    /// <summary>How errors call it.</summary>
    public string Path => path;

    /// <summary>What keeps others out; nobody yet. Its disposal lets them in again.</summary>
    public OutputLock Lock() => new(file, path, time);

    /// <summary>The size of pages and file as they are; null where this is no database.</summary>
    public (PageSize PageSize, uint Pages)? ReadGeometry() => ReadGeometry(file);

    /// <summary>Whether the first page and the size are still those of a content.</summary>
    public bool SeemsToBe(in OutputContent content)
    {
        if (file.Length != content.SizeBytes || content.Pages == 0)
        {
            return file.Length == content.SizeBytes;
        }

        var page = new byte[content.PageSize.Bytes];
        return file.Read(0, page) == page.Length && DatabaseChecksum.OfPage(1, page) == content.FirstPage;
    }

    /// <summary>Reads all of a database. Null where it is none.</summary>
    public static OutputContent? ReadContent(IFile file, CancellationToken cancellationToken)
    {
        if (file.Length == 0)
        {
            return OutputContent.Empty;
        }

        if (ReadGeometry(file) is not var (pageSize, pages))
        {
            return null;
        }

        var (rest, first) = (DatabaseChecksum.Empty, 0UL);
        var chunk = new byte[Math.Max(ChunkSizeBytes, pageSize.Bytes)];
        for (var page = 1U; page <= pages;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = (uint)Math.Min(chunk.Length / pageSize.Bytes, pages - page + 1);
            if (file.Read(pageSize.OffsetOf(page), chunk.AsSpan(0, (int)count * pageSize.Bytes)) < count * pageSize.Bytes)
            {
                return null; // It became shorter meanwhile.
            }

            for (var i = 0; i < count; i++, page++)
            {
                var checksum = DatabaseChecksum.OfPage(page, chunk.AsSpan(i * pageSize.Bytes, pageSize.Bytes));
                if (page == 1)
                {
                    first = checksum;
                }
                else if (page != pageSize.LockPage)
                {
                    rest = rest.Toggle(checksum);
                }
            }
        }

        return new OutputContent(pageSize, pages, rest, first);
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static (PageSize PageSize, uint Pages)? ReadGeometry(IFile file)
    {
        var header = new byte[DatabaseHeader.Size];
        var length = file.Length;
        return file.Read(0, header) == header.Length
            && DatabaseHeader.TryRead(header, out var known)
            && length % known.PageSize.Bytes == 0
            && length / known.PageSize.Bytes <= uint.MaxValue
                ? (known.PageSize, (uint)(length / known.PageSize.Bytes))
                : null;
    }
}
