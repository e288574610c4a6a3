using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;

namespace Tidemark.Replicas.Follow;

/// <summary>Pages that lead a database to a state. Everything in them has been checked already, and they lie on this machine.</summary>
internal interface IPageBatch : IAsyncDisposable
{
    /// <summary>The state.</summary>
    Txid Txid { get; }

    /// <summary>Who wrote it.</summary>
    Lineage Lineage { get; }

    /// <summary>Size of the pages.</summary>
    PageSize PageSize { get; }

    /// <summary>Size of the database in pages.</summary>
    uint Pages { get; }

    /// <summary>Whether the batch holds every page, so that nothing depends on what there was before.</summary>
    bool IsComplete { get; }

    /// <summary>Whether the checksum of the state that it follows was compared with that of the database.</summary>
    bool IsContinuation { get; }

    /// <summary>Checksum of the source in that state, where its writer has told it.</summary>
    DatabaseChecksum? After { get; }

    /// <summary>How many files of the replica it was made from.</summary>
    int FileCount { get; }

    /// <summary>Bytes read from the store for it.</summary>
    long BytesRead { get; }

    /// <summary>Reads the pages by ascending number, each once. Can be called again.</summary>
    IAsyncEnumerable<LtxPage> ReadAsync(CancellationToken cancellationToken);
}
