using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>A file that remembers only where it was written with something else than zeros, so that it can be large.</summary>
internal sealed class SparseFile : IFile
{
    private readonly Lock _gate = new();
    private readonly SortedSet<long> _filledOffsets = [];

    public long Length { get; private set; }

    public long BytesWritten { get; private set; }

    /// <summary>Numbers of the pages that hold something else than zeros.</summary>
    public IEnumerable<long> FilledPages(int pageSizeBytes) => _filledOffsets.Select(offset => (offset / pageSizeBytes) + 1).Distinct();

    public int Read(long offset, Span<byte> destination) => throw new NotSupportedException();

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        const int SectorBytes = 512;
        lock (_gate)
        {
            BytesWritten += source.Length;
            for (var i = source.IndexOfAnyExcept((byte)0); i >= 0 && i < source.Length; i += SectorBytes)
            {
                if (source.Slice(i, Math.Min(SectorBytes, source.Length - i)).ContainsAnyExcept((byte)0))
                {
                    _filledOffsets.Add(offset + i);
                }
            }
        }
    }

    public void SetLength(long length) => Length = length;

    public void Sync()
    {
    }

    public bool TryLockRange(long offset, long length, bool isShared) => true;

    public void UnlockRange(long offset, long length)
    {
    }

    public void Dispose()
    {
    }
}
