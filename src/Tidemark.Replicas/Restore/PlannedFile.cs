using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>A file of the plan while it is read. It is proven when the last of its parts has come back.</summary>
internal sealed class PlannedFile(LtxFileInfo info, string name, Stream content) : IAsyncDisposable
{
    private readonly LtxReader _reader = new(content, name);
    private int _partsUnderway;
    private bool _isRead;

    /// <summary>What the listing said of it.</summary>
    public LtxFileInfo Info => info;

    /// <summary>How errors call it.</summary>
    public string Name => name;

    /// <summary>How errors call a file of a replica.</summary>
    public static string NameOf(IReplicaStore store, in LtxFileInfo file) => $"{store.Name}: {file.Key}";

    /// <summary>Whether all of it was read and every checksum in it is right.</summary>
    public bool IsProven { get; private set; }

    /// <summary>Reads the header.</summary>
    public ValueTask<LtxHeader> ReadHeaderAsync(CancellationToken cancellationToken) => _reader.ReadHeaderAsync(cancellationToken);

    /// <summary>
    /// Reads the next part; false when there are no more, in which case the end of the file was read and checked as well.
    /// </summary>
    public async ValueTask<bool> ReadPartAsync(LtxPart part, CancellationToken cancellationToken)
    {
        if (await _reader.ReadPartAsync(part, cancellationToken).ConfigureAwait(false))
        {
            _partsUnderway++;
            return true;
        }

        await _reader.ReadTrailerAsync(cancellationToken).ConfigureAwait(false);
        await content.DisposeAsync().ConfigureAwait(false);
        _isRead = true;
        FinishIfWhole();
        return false;
    }

    /// <summary>Takes the result of a decoded part. In the order in which the parts were read.</summary>
    public void Take(PartJob job)
    {
        _reader.AddPartChecksum(job.Crc, job.Part.LogicalLength);
        _partsUnderway--;
        FinishIfWhole();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _reader.Dispose();
        return content.DisposeAsync();
    }

    private void FinishIfWhole()
    {
        if (_isRead && _partsUnderway == 0)
        {
            _reader.Finish();
            IsProven = true;
        }
    }
}
