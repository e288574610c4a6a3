using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Restore;

/// <summary>Writes every page to its place in a database file.</summary>
/// <param name="file">The file.</param>
/// <param name="path">How errors call it.</param>
internal sealed class DatabaseFileSink(IFile file, string path) : IPageSink
{
    private PageSize _pageSize;

    public bool NeedsChecksums => false;

    public void Begin(PageSize pageSize, uint pages)
    {
        _pageSize = pageSize;
        try
        {
            file.SetLength((long)pages * pageSize.Bytes);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw RestoreOutputException.Failed("make room for", path, e);
        }
    }

    public void Write(uint firstPage, ReadOnlySpan<byte> content, ReadOnlySpan<ulong> checksums)
    {
        try
        {
            file.Write(_pageSize.OffsetOf(firstPage), content);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw RestoreOutputException.Failed("write", path, e);
        }
    }
}
