using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Testing.Databases;

/// <summary>Builds a database from a replica in memory, the slow and obvious way: all files up to a TXID in their order, newest page
/// wins.</summary>
public static class NaiveRestore
{
    public static async Task<byte[]> RunAsync(IReplicaStore store, Txid txid, CancellationToken cancellationToken = default)
    {
        var files = new List<LtxFileInfo>();
        foreach (var level in Level.All)
        {
            await foreach (var file in store.ListAsync(level, Txid.None, cancellationToken))
            {
                files.Add(file);
            }
        }

        byte[] image = [];
        var reached = Txid.None;
        while (reached < txid)
        {
            // A snapshot may start anew at any point; else the file that goes on.
            var next = files
                .Where(file => file.MinTxid <= reached.Next() && file.MaxTxid > reached && file.MaxTxid <= txid)
                .OrderByDescending(file => file.MaxTxid)
                .FirstOrDefault();
            if (next == default)
            {
                throw new InvalidOperationException($"no file continues after {reached} towards {txid}");
            }

            image = await ApplyAsync(store, next, image, cancellationToken);
            reached = next.MaxTxid;
        }

        return image;
    }

    private static async Task<byte[]> ApplyAsync(IReplicaStore store, LtxFileInfo file, byte[] image, CancellationToken cancellationToken)
    {
        await using var content = await store.OpenAsync(file.Key, 0, null, cancellationToken);
        using var reader = new LtxReader(content, file.Key.ToString());
        var header = await reader.ReadHeaderAsync(cancellationToken);
        var pageBytes = header.PageSize.Bytes;
        Array.Resize(ref image, (int)header.Commit * pageBytes);
        var part = new LtxPart();
        while (await reader.ReadPartAsync(part, cancellationToken))
        {
            var pages = new byte[part.ExpandedLength];
            reader.AddPartChecksum(part.Decode(pages), part.LogicalLength);
            for (var i = 0; i < part.Count; i++)
            {
                pages.AsSpan(i * pageBytes, pageBytes).CopyTo(image.AsSpan((int)header.PageSize.OffsetOf(part.PageNumbers[i])));
            }
        }

        await reader.ReadTrailerAsync(cancellationToken);
        reader.Finish();
        return image;
    }
}
