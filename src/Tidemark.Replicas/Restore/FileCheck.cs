using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>Reads a file of a replica for itself, with every check.</summary>
internal static class FileCheck
{
    /// <summary>Reads it from beginning to end.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="file">The file, as listed.</param>
    /// <param name="whenRead">Is told how many bytes were read.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>Its header.</returns>
    /// <exception cref="LtxFormatException">It is damaged.</exception>
    /// <exception cref="RestoreVerificationException">It holds other TXIDs than its name says.</exception>
    /// <exception cref="ReplicaStoreException">It cannot be read.</exception>
    public static async ValueTask<LtxHeader> RunAsync(
        IReplicaStore store, LtxFileInfo file, Action<int> whenRead, CancellationToken cancellationToken)
    {
        var content = await store.OpenAsync(file.Key, 0, null, cancellationToken).ConfigureAwait(false);
        var counted = new CountingStream(content, whenRead);
        await using (counted.ConfigureAwait(false))
        {
            var name = PlannedFile.NameOf(store, file);
            var header = (await LtxReader.VerifyAsync(counted, name, cancellationToken).ConfigureAwait(false)).Header;
            return header.MinTxid == file.MinTxid && header.MaxTxid == file.MaxTxid
                ? header
                : throw RestoreVerificationException.WrongTxids(name, header);
        }
    }
}
