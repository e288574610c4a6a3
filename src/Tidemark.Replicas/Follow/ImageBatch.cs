using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Follow;

/// <summary>A whole database in a temporary file, as a batch. It owns the temporary file.</summary>
internal sealed class ImageBatch(RestoreOutput place, IFile file, Materialiser database, RestorePlan plan) : IPageBatch
{
    private const int ChunkSizeBytes = 1 << 20;

    /// <summary>The temporary file.</summary>
    public IFile File => file;

    /// <summary>Where it lies, and what it can become.</summary>
    public RestoreOutput Place => place;

    /// <inheritdoc/>
    public Txid Txid => plan.MaxTxid;

    /// <inheritdoc/>
    public Lineage Lineage => database.Lineage;

    /// <inheritdoc/>
    public PageSize PageSize => database.PageSize;

    /// <inheritdoc/>
    public uint Pages => database.Pages;

    /// <inheritdoc/>
    public bool IsComplete => true;

    /// <inheritdoc/>
    public bool IsContinuation => false;

    /// <inheritdoc/>
    public DatabaseChecksum? After => database.IsProven ? database.Checksum : null;

    /// <inheritdoc/>
    public int FileCount => plan.Files.Count;

    /// <inheritdoc/>
    public long BytesRead => database.BytesRead;

    /// <inheritdoc/>
    public async IAsyncEnumerable<LtxPage> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        var chunk = new byte[Math.Max(ChunkSizeBytes, PageSize.Bytes)];
        for (var page = 1U; page <= Pages;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = (uint)Math.Min(chunk.Length / PageSize.Bytes, Pages - page + 1);
            file.Read(PageSize.OffsetOf(page), chunk.AsSpan(0, (int)count * PageSize.Bytes));
            for (var i = 0; i < count; i++, page++)
            {
                if (page != PageSize.LockPage)
                {
                    yield return new LtxPage(page, chunk.AsMemory(i * PageSize.Bytes, PageSize.Bytes));
                }
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        place.Dispose();
        return ValueTask.CompletedTask;
    }
}
