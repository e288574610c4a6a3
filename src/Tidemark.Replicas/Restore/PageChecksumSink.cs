using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>Keeps nothing of a page but its checksum.</summary>
internal sealed class PageChecksumSink(TakePageChecksums take) : IPageSink
{
    public bool NeedsChecksums => true;

    public void Begin(PageSize pageSize, uint pages)
    {
        // Whoever takes the checksums need not know where they end.
    }

    public void Write(uint firstPage, ReadOnlySpan<byte> content, ReadOnlySpan<ulong> checksums) => take(firstPage, content, checksums);
}
