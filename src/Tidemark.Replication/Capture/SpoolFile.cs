using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Capture;

/// <summary>Reads captures back from the spool, with every check of the format.</summary>
internal static class SpoolFile
{
    /// <summary>Takes the pages of one part of a file.</summary>
    public delegate void TakePages(ReadOnlySpan<uint> pageNumbers, ReadOnlySpan<byte> pages, ReadOnlySpan<ulong> checksums);

    /// <summary>Reads a whole capture; what <paramref name="take"/> was given is proven only when this returns.</summary>
    /// <exception cref="LtxFormatException">The file is damaged, or its TXIDs are not those of its name.</exception>
    public static LtxHeader Read(Spool spool, LtxFileName name, TakePages take)
        // Local files answer at once, so nothing is waited for here.
        => ReadAsync(spool, new LtxFileKey(Level.Captured, name), take, CancellationToken.None).AsTask().GetAwaiter().GetResult().Header;

    /// <summary>Checks a whole file of the spool and tells whether it holds every page of the database.</summary>
    /// <exception cref="LtxFormatException">The file is damaged, or its TXIDs are not those of its name.</exception>
    public static async ValueTask<(LtxHeader Header, bool IsImage)> InspectAsync(
        Spool spool, LtxFileKey key, CancellationToken cancellationToken)
    {
        var (header, pageCount) = await ReadAsync(spool, key, null, cancellationToken).ConfigureAwait(false);
        return (header, pageCount == header.PageSize.PagesOfImage(header.Commit));
    }

    /// <summary>Checks a whole file of the spool. Of a file that still is what this process wrote only the header is looked at.</summary>
    /// <exception cref="LtxFormatException">The file is damaged, or its TXIDs are not those of its name.</exception>
    public static async ValueTask<LtxHeader> VerifyAsync(Spool spool, LtxFileKey key, CancellationToken cancellationToken)
    {
        if (!spool.IsAsWritten(key))
        {
            return (await ReadAsync(spool, key, null, cancellationToken).ConfigureAwait(false)).Header;
        }

        var content = spool.OpenRead(key);
        await using (content.ConfigureAwait(false))
        {
            using var reader = new LtxReader(content, spool.PathOf(key));
            return await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async ValueTask<(LtxHeader Header, long PageCount)> ReadAsync(
        Spool spool, LtxFileKey key, TakePages? take, CancellationToken cancellationToken)
    {
        var content = spool.OpenRead(key);
        await using (content.ConfigureAwait(false))
        {
            using var reader = new LtxReader(content, spool.PathOf(key));
            var part = new LtxPart();
            var header = await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            if (header.MinTxid != key.Name.MinTxid || header.MaxTxid != key.Name.MaxTxid)
            {
                throw new TidemarkException(
                    $"{spool.PathOf(key)}: the header says {header.MinTxid}-{header.MaxTxid}, not what the name says.");
            }

            var pageCount = 0L;
            byte[] pages = [];
            ulong[] checksums = [];
            while (await reader.ReadPartAsync(part, cancellationToken).ConfigureAwait(false))
            {
                if (pages.Length < part.ExpandedLength)
                {
                    (pages, checksums) = (new byte[part.ExpandedLength], take is null ? [] : new ulong[part.Count]);
                }

                pageCount += part.Count;
                reader.AddPartChecksum(part.Decode(pages, checksums), part.LogicalLength);
                take?.Invoke(part.PageNumbers, pages.AsSpan(0, part.ExpandedLength), checksums.AsSpan(0, part.Count));
            }

            await reader.ReadTrailerAsync(cancellationToken).ConfigureAwait(false);
            reader.Finish();
            return (header, pageCount);
        }
    }
}
