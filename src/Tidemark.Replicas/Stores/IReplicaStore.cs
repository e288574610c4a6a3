using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Stores;

/// <summary>Where the files of one replica lie.</summary>
/// <remarks>
/// <para>Files are immutable: a write either creates the whole file under its name or leaves nothing of it. Writing a name that exists
/// replaces the file as a whole, so that a write whose answer was lost can be repeated.</para>
/// <para>Implementations are safe to call from several threads at once. They do not retry. A failure is a
/// <see cref="ReplicaStoreException"/> that says whether trying again can help; a cancelled call throws
/// <see cref="OperationCanceledException"/> and leaves no part of a file behind.</para>
/// <para>Every implementation passes the contract suite <c>ReplicaStoreContract</c>.</para>
/// </remarks>
public interface IReplicaStore
{
    /// <summary>How messages call this store: its URL without secrets.</summary>
    string Name { get; }

    /// <summary>
    /// Lists the files of a level whose first TXID is <paramref name="from"/> or later, in ascending order of first, then last TXID, each
    /// once. Names that are not those of LTX files are left out. A level without files is an empty listing.
    /// </summary>
    /// <remarks>A file that is written or deleted while the listing runs may or may not appear in it; all others appear.</remarks>
    IAsyncEnumerable<LtxFileInfo> ListAsync(Level level, Txid from, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a file for reading once, from <paramref name="offset"/> to its end or over <paramref name="length"/> bytes at most.
    /// </summary>
    /// <exception cref="ReplicaFileNotFoundException">There is no such file.</exception>
    ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken);

    /// <summary>Writes a file from <paramref name="content"/>, which is read once to its end and not disposed.</summary>
    /// <param name="key">Level and name.</param>
    /// <param name="created">The timestamp of the file's header, which the store keeps beside the file and gives back in listings.</param>
    /// <param name="content">The whole file.</param>
    /// <param name="cancellationToken">Ends the call; nothing of the file is left.</param>
    /// <returns>The file as a listing would show it. When this returns, the file is durable.</returns>
    ValueTask<LtxFileInfo> WriteAsync(LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken);

    /// <summary>Writes a file as <see cref="WriteAsync"/> does, unless there is one of its name. Of two writers at once, one succeeds.</summary>
    /// <exception cref="ReplicaFileExistsException">There is one; it is as it was.</exception>
    ValueTask<LtxFileInfo> CreateAsync(LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken);

    /// <summary>Reads what the last <see cref="WriteClaimAsync"/> wrote, by whichever writer; null when nothing was written.</summary>
    ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken);

    /// <summary>Writes who writes here, a short text, in the place of what was there. It appears whole or not at all, and in no listing.
    /// </summary>
    ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken);

    /// <summary>Deletes files. One that does not exist is not an error.</summary>
    ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken);
}
